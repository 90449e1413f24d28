import IsometryCore
import IsometryGraph

extension MatrixTile: TileCandidate {
  var tile: Tile {
    Tile([
      "rows": rows, "columns": columns, "products": inner, "stages": stages,
      "warps across": warpsAcross,
    ])
  }

  /// This tile, and others for the same result. No GPU has run them yet: their order is that of what
  /// a block covers in vain, its operands' rims, and groups that idle.
  ///
  /// - Parameters:
  ///   - rows: of the result, as are `columns`.
  func candidates(rows: Int, columns: Int, _ tuning: Tuning) -> [MatrixTile] {
    var others: [MatrixTile] = []
    for height in [32, 64, 128] {
      for width in [16, 32, 64, 128] {
        for warpsAcross in [1, 2, 4] {
          for inner in [Self.inner(dtype), 2 * Self.inner(dtype)] {
            others += [2, 3, 4].map { stages in
              MatrixTile(
                rows: height, columns: width, inner: inner, stages: stages,
                warpsAcross: warpsAcross, dtype, units)
            }
          }
        }
      }
    }
    return ranked(others.filter(\.isLegal), preferring: self) { tile in
      let blocks = tile.blocks(rows: rows, columns: columns)
      let rims = 1 + 16 / Double(tile.rows) + 16 / Double(tile.columns)
      let idling = max(1, Double(tuning.wantedItems) / Double(4 * blocks * Self.items))
      let details =
        (tile.stages == stages ? 1 : 1.02) * (tile.inner == inner ? 1 : 1.03)
        * (tile.warpsAcross == Self.warpsAcross(columns: tile.columns) ? 1 : 1.04)
      return Double(blocks * tile.rows * tile.columns) * rims * idling * details
    }
  }

  /// Whether kernels/common/matrix_tile.cl takes it, within the 48 KiB of local memory that devices
  /// give a group, and with no more sums in a warp's registers than 64 by 64, half as many in fp32.
  private var isLegal: Bool {
    let (down, across) = (rows * warpsAcross / 4, columns / warpsAcross)
    guard down >= 16, across >= 16, 4 % warpsAcross == 0,
      down * across <= (dtype == .float32 ? 64 * 32 : 64 * 64)
    else {
      return false
    }
    let slices = stages * (rows + columns) * inner * dtype.byteCount
    let leaving = 4 * 16 * (across + 8) * 4
    return max(slices, leaving) <= 48 << 10
  }
}

/// The tile of a weight gradient on matrix units, and its parts.
struct MatrixWeightGradientTile: TileCandidate {
  let block: MatrixTile
  let parts: Int
  let pixelsPerPart: Int

  var tile: Tile { Tile(block.tile.sizes.merging(["parts": parts]) { $1 }) }

  /// - Parameters:
  ///   - rows: of the result, the bias's row among them.
  ///   - partsFactor: multiplies the number of parts that a model prefers.
  init(
    _ block: MatrixTile, _ sizes: ConvolutionSizes, _ dtype: DType, rows: Int, _ tuning: Tuning,
    partsFactor: Double = 1
  ) {
    let blocks = block.blocks(rows: rows, columns: sizes.filters)
    let pixels = sizes.images * sizes.outHeight * sizes.outWidth
    // Enough groups to fill the device, but parts of some length, and no more partial sums than there
    // are operands.
    let forGroups = quotientRoundedUp(tuning.wantedItems / MatrixTile.items, blocks)
    let limit = sizes.operandByteCount(dtype) / (4 * sizes.weightCount)
    let preferred = min(forGroups, limit, pixels / (8 * block.inner))
    let wanted = min(Int(partsFactor * Double(preferred)), limit)
    self.block = block
    pixelsPerPart = block.inner * quotientRoundedUp(pixels, max(wanted, 1) * block.inner)
    parts = quotientRoundedUp(pixels, pixelsPerPart)
  }

  /// This tile, and others for the same result.
  func candidates(
    _ sizes: ConvolutionSizes, _ dtype: DType, rows: Int, _ tuning: Tuning
  ) -> [MatrixWeightGradientTile] {
    let blocks = block.candidates(rows: rows, columns: sizes.filters, tuning)
    var others: [MatrixWeightGradientTile] = []
    var costs: [Tile: Double] = [:]
    for (place, block) in blocks.enumerated() {
      for (factor, splitting) in [(1.0, 0.0), (0.5, 3.5), (2, 4), (4, 8.5)] {
        let tile = MatrixWeightGradientTile(
          block, sizes, dtype, rows: rows, tuning, partsFactor: factor)
        others.append(tile)
        costs[tile.tile] = min(costs[tile.tile] ?? .infinity, Double(place) + splitting)
      }
    }
    return ranked(others, preferring: self) { costs[$0.tile] ?? .infinity }
  }
}
