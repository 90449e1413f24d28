package import IsometryCore
package import IsometryGraph

/// The matrix units that multiply fragments (common/matrix_unit.cl), and their operand types.
package struct MatrixUnits: Sendable, Hashable {
  package enum Kind: String, Sendable {
    /// NVIDIA's tensor cores, through inline PTX.
    case tensorCores = "tensor cores"
    /// Plain OpenCL C with the same fragments, for checks on any device.
    case emulated
  }

  package let kind: Kind
  /// The types of operands in each family; those in fp32 are rounded to tf32. Sums are in fp32.
  package var types: [KernelFamily: Set<DType>]

  package init(kind: Kind, types: Set<DType> = [.bfloat16, .float16]) {
    self.kind = kind
    self.types = [.gemm: types, .convolution: types]
  }

  var defines: [String: Int] { ["MATRIX_UNIT_EMULATED": kind == .emulated ? 1 : 0] }

  /// Divides the length of rows in memory, which are read 16 bytes at a time and written by 8 numbers.
  static let rowMultiple = 8

  static func canRead(rowsOf length: Int) -> Bool { length % rowMultiple == 0 }

  /// Whether the units compute a product or a convolution: its operands' type and rows are theirs.
  package func compute(_ node: Node, in graph: Graph) -> Bool {
    guard let family = node.operation.family, let types = types[family],
      types.contains(graph.type(of: node.inputs[0]).dtype)
    else { return false }
    let shapes = (node.inputs + node.results).map { graph.shape(of: $0) }
    switch family {
    case .gemm:
      return [shapes[0], shapes[1], shapes.last!].allSatisfy {
        Self.canRead(rowsOf: $0.dimensions.last!)
      }
    case .convolution:
      var weights = shapes[1]
      if case .convolutionWeightGradient(_, let shape, _, _) = node.operation { weights = shape }
      return [weights[0], weights[1]].allSatisfy(Self.canRead)
    case .normalization, .pooling, .pointwise, .reduction, .loss, .optimizer, .augmentation:
      return false
    }
  }
}

/// The block of kernels/common/matrix_tile.cl: what one group of four warps computes of a product. Its
/// sizes are legal there.
struct MatrixTile {
  let rows: Int
  let columns: Int
  /// Products of a slice.
  let inner: Int
  /// Slices in local memory: at most 48 KiB together.
  let stages: Int
  /// Of the four, side by side.
  let warpsAcross: Int
  /// Of the operands.
  let dtype: DType
  let units: MatrixUnits

  /// Work-items of a group.
  static let items = 128
}

extension MatrixTile {
  /// The tile of the least time, of those that are chosen without measurements.
  init(_ dtype: DType, _ units: MatrixUnits, time: (MatrixTile) -> Int) {
    let tiles = [128, 64].flatMap { height in
      [128, 64, 32, 16].map { width in
        MatrixTile(
          rows: height, columns: width, inner: Self.inner(dtype), stages: 3,
          warpsAcross: Self.warpsAcross(columns: width), dtype: dtype, units: units)
      }
    }
    self = tiles.min { time($0) < time($1) } ?? tiles[0]
  }

  /// Bytes of local memory of a group: slices, and then sums on their way out.
  private var localByteCount: Int {
    max(
      stages * (rows + columns) * inner * dtype.byteCount, 4 * 16 * (columns / warpsAcross + 8) * 4)
  }

  /// Groups that a compute unit holds: as many as its registers and its local memory suffice for.
  private var groupsAtOnce: Int {
    // About what ptxas reports for the kernels with prologues.
    let registers = 72 + rows * columns * 7 / (5 * Self.items)
    return min(
      Tuning.registersOfComputeUnit / (Self.items * registers),
      Tuning.localBytesOfComputeUnit / (localByteCount + 1 << 10))
  }

  /// A relative time of that many groups, for each product of a sum, by a model. A compute unit loads the
  /// rows and columns of its groups. It waits for loads once for all groups that it holds at once.
  func time(groups: Int, computeUnits: Int) -> Int {
    let ofUnit = quotientRoundedUp(groups, computeUnits)
    return ofUnit * (rows + columns + 16) + quotientRoundedUp(ofUnit, groupsAtOnce) * 192
  }

  /// Products that 64 bytes hold.
  static func inner(_ dtype: DType) -> Int { 64 / dtype.byteCount }

  /// Nearly square tiles of warps, whose operands are read the least often.
  static func warpsAcross(columns: Int) -> Int { columns >= 64 ? 2 : 1 }

  /// Blocks that cover a result.
  func blocks(rows: Int, columns: Int) -> Int {
    quotientRoundedUp(rows, self.rows) * quotientRoundedUp(columns, self.columns)
  }

  /// - Parameters:
  ///   - leftInnerLast: whether the products lie side by side in the left operand.
  ///   - rightInnerLast: the same for the right one.
  ///   - result: the type of the results, of which an item stores 16 bytes at a time; nil for the operands'.
  func variant(
    _ family: ProgramFamily, leftInnerLast: Bool, rightInnerLast: Bool, result: DType? = nil
  ) -> ProgramVariant {
    let tile = [
      "WIDTH": Tuning.vectorByteCount / (result ?? dtype).byteCount, "BLOCK_ROWS": rows,
      "BLOCK_COLUMNS": columns, "BLOCK_INNER": inner,
      "WARP_ROWS": rows * warpsAcross / 4, "WARP_COLUMNS": columns / warpsAcross,
      "STAGES": stages, "LEFT_INNER_LAST": leftInnerLast ? 1 : 0,
      "RIGHT_INNER_LAST": rightInnerLast ? 1 : 0,
    ]
    return ProgramVariant(
      family, storage: dtype, tile.merging(units.defines) { tile, _ in tile })
  }
}

extension MatrixTile: TileCandidate {
  var tile: Tile {
    Tile([
      "rows": rows, "columns": columns, "products": inner, "stages": stages,
      "warps across": warpsAcross,
    ])
  }

  /// This tile, and others for the same result, in the order of their times by a model.
  func candidates(time: (MatrixTile) -> Int) -> [MatrixTile] {
    var others: [MatrixTile] = []
    for height in [32, 64, 128] {
      for width in [16, 32, 64, 128] {
        for warpsAcross in [1, 2, 4] {
          for inner in [Self.inner(dtype), 2 * Self.inner(dtype)] {
            others += [2, 3, 4].map { stages in
              MatrixTile(
                rows: height, columns: width, inner: inner, stages: stages,
                warpsAcross: warpsAcross, dtype: dtype, units: units)
            }
          }
        }
      }
    }
    return ranked(others.filter(\.isLegal), preferring: self) { tile in
      let details =
        (tile.stages == stages ? 1 : 1.02) * (tile.inner == inner ? 1 : 1.03)
        * (tile.warpsAcross == Self.warpsAcross(columns: tile.columns) ? 1 : 1.04)
      return Double(time(tile)) * details
    }
  }

  /// Whether kernels/common/matrix_tile.cl takes it, within the 48 KiB of local memory that devices
  /// give a group, and with no more sums in a warp's registers than 64 by 64.
  private var isLegal: Bool {
    let (down, across) = (rows * warpsAcross / 4, columns / warpsAcross)
    return down >= 16 && across >= 16 && 4 % warpsAcross == 0 && down * across <= 64 * 64
      && localByteCount <= 48 << 10
  }
}

/// The tile of a weight gradient on matrix units, and its parts.
struct MatrixWeightGradientTile: TileCandidate {
  let block: MatrixTile
  let parts: Int
  let pixelsPerPart: Int
  /// Relative, by the model of `MatrixTile`.
  let time: Int

  var tile: Tile { Tile(block.tile.sizes.merging(["parts": parts]) { $1 }) }

  /// - Parameters:
  ///   - rows: of the result, the bias's row among them.
  ///   - partsFactor: multiplies the number of parts that a model prefers.
  init(
    _ block: MatrixTile, _ sizes: ConvolutionSizes, rows: Int, computeUnits: Int,
    partsFactor: Double
  ) {
    let blocks = block.blocks(rows: rows, columns: sizes.filters)
    let pixels = sizes.images * sizes.outHeight * sizes.outWidth
    func split(_ parts: Int) -> (pixels: Int, time: Int) {
      let ofPart = block.inner * quotientRoundedUp(pixels, parts * block.inner)
      // A sum is stored and loaded once more. What surrounds the loop takes as long as some slices.
      let others = 4 * block.rows * block.columns / (block.rows + block.columns) + 8 * block.inner
      let launched = quotientRoundedUp(pixels, ofPart)
      let time = block.time(groups: blocks * launched, computeUnits: computeUnits)
      return (ofPart, time * (ofPart + others))
    }
    // As many groups for each compute unit, but parts of some length, and no more partial sums than there
    // are operands.
    let limit = max(1, sizes.operandByteCount(block.dtype) / (4 * sizes.weightCount))
    let even = (1...32).map { ofUnit in
      max(1, min(ofUnit * computeUnits / blocks, limit, pixels / (8 * block.inner)))
    }
    let preferred = even.min { split($0).time < split($1).time } ?? 1
    let wanted = max(1, min(Int(partsFactor * Double(preferred)), limit))
    self.block = block
    (pixelsPerPart, time) = split(wanted)
    parts = quotientRoundedUp(pixels, pixelsPerPart)
  }

  /// This tile, and others for the same result.
  ///
  /// - Parameter split: makes the tile of a block and a `partsFactor`.
  func candidates(
    _ split: (MatrixTile, Double) -> MatrixWeightGradientTile
  ) -> [MatrixWeightGradientTile] {
    var others: [MatrixWeightGradientTile] = []
    var costs: [Tile: Double] = [:]
    for (place, block) in block.candidates(time: { split($0, 1).time }).enumerated() {
      for (factor, splitting) in [(1.0, 0.0), (0.5, 3.5), (2, 4), (4, 8.5)] {
        let tile = split(block, factor)
        others.append(tile)
        costs[tile.tile] = min(costs[tile.tile] ?? .infinity, Double(place) + splitting)
      }
    }
    return ranked(others, preferring: self) { costs[$0.tile] ?? .infinity }
  }
}
