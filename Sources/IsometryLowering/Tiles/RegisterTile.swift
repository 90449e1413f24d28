import IsometryCore
import IsometryGraph

/// A tile whose groups are grids of work-items (kernels/common/grid.cl).
protocol GridTile: TileCandidate {
  /// Lanes of a vector of the result's columns.
  var width: Int { get }
  /// Vectors and rows of the tile.
  var vectors: Int { get }
  var rows: Int { get }
  /// Tiles of a group, side by side and below each other.
  var local: [Int] { get }
}

extension GridTile {
  var tile: Tile { Tile(sizes) }

  fileprivate var sizes: [String: Int] {
    [
      "width": width, "rows": rows, "vectors": vectors, "local columns": local[0],
      "local rows": local[1],
    ]
  }

  var defines: [String: Int] {
    ["WIDTH": width, "TILE_ROWS": rows, "TILE_VECTORS": vectors, "LOCAL_SIZE": items]
  }

  /// Work-items of a group.
  var items: Int { local[0] * local[1] }
  /// The columns of the grid, as kernels take them.
  var gridArguments: [Argument] { [.integer(local[0])] }
}

/// The register tile of a convolution or a product: pixels or rows by vectors of the result's columns.
struct RegisterTile: GridTile {
  /// `width * vectors` divides them.
  let columns: Int
  let width: Int
  let vectors: Int
  /// Pixels, or rows of a product.
  let rows: Int
  let local: [Int]
}

extension RegisterTile {
  /// - Parameters:
  ///   - columns: the result's channels.
  ///   - pixels: how many pixels lie side by side along a row.
  init(columns: Int, pixels: Int, _ dtype: DType) {
    let width = Tuning.width(dtype, dividing: columns)
    // Wider tiles read each pixel less often; where rows are short, they keep the registers busy.
    let vectors =
      width == Tuning.width(dtype)
      ? largestPowerOfTwo(dividing: columns / width, atMost: pixels <= 4 ? 4 : 2) : 1
    let fitting = powerOfTwo(atMost: max(1, Tuning.tileVectors / vectors))
    var tall = 1
    while tall < min(pixels, fitting) { tall *= 2 }
    let across = powerOfTwo(atMost: min(columns / (width * vectors), 16))
    self.init(
      columns: columns, width: width, vectors: vectors, rows: tall, local: [across, 64 / across])
  }

  /// Groups along channels, rows of pixels, and tiles of a row.
  func groups(lines: Int, pixels: Int) -> [Int] {
    [
      quotientRoundedUp(columns / (width * vectors), local[0]),
      quotientRoundedUp(lines, local[1]), quotientRoundedUp(pixels, rows),
    ]
  }

  /// Rows of pixels that a group takes if it stores statistics: as many as leave the device enough items.
  func linesOfGroup(lines: Int, pixels: Int, computeUnits: Int) -> Int {
    let all = groups(lines: lines, pixels: pixels).reduce(1, *) * items
    return local[1] * max(1, all / (2 * computeUnits * Tuning.itemsPerComputeUnit))
  }
}

/// The register tile of convolution_weight_gradient and the number of parts.
struct WeightGradientTile: GridTile {
  let width: Int
  let vectors: Int
  let rows: Int
  let parts: Int
  let rowsPerPart: Int
  let local: [Int]
  let columnTiles: Int
  let rowTiles: Int

  init(_ sizes: ConvolutionSizes, _ dtype: DType, computeUnits: Int) {
    let width = Tuning.width(dtype, dividing: sizes.filters)
    let across = powerOfTwo(atMost: min(sizes.filters / width, 16))
    let rows = (1...Tuning.tileVectors).last { sizes.channels % $0 == 0 } ?? 1
    self.init(
      sizes, dtype, width: width, vectors: 1, rows: rows, local: [across, 64 / across],
      computeUnits: computeUnits)
  }

  /// - Parameter partsFactor: multiplies the number of parts that a model prefers.
  /// - Precondition: `width * vectors` divides the filters and `rows` the channels.
  init(
    _ sizes: ConvolutionSizes, _ dtype: DType, width: Int, vectors: Int, rows: Int,
    local: [Int], computeUnits: Int, partsFactor: Double = 1
  ) {
    self.width = width
    self.vectors = vectors
    self.rows = rows
    self.local = local
    columnTiles = sizes.filters / (width * vectors)
    rowTiles = sizes.taps * (sizes.channels / rows)

    // Enough items to fill the device, but no more partial sums than there are operands.
    let lines = sizes.images * sizes.outHeight
    let forItems = quotientRoundedUp(
      computeUnits * Tuning.itemsPerComputeUnit, columnTiles * rowTiles)
    let sumBytes = sizes.weightCount * dtype.accumulator.byteCount
    let limit = max(1, sizes.operandByteCount(dtype) / sumBytes)
    let preferred = min(forItems, limit, lines)
    let wanted = min(Int(partsFactor * Double(preferred)), limit, lines)
    rowsPerPart = quotientRoundedUp(lines, max(wanted, 1))
    parts = quotientRoundedUp(lines, rowsPerPart)
  }
}

extension RegisterTile {
  /// This tile, and others for the same result.
  ///
  /// - Parameters:
  ///   - count: how many pixels lie side by side along a row.
  func candidates(pixels count: Int) -> [RegisterTile] {
    let others = RegisterTileModel.shapes(columns: columns, width: width) { $0 <= max(1, count) }
      .map { vectors, rows, local in
        RegisterTile(columns: columns, width: width, vectors: vectors, rows: rows, local: local)
      }
    return ranked(others, preferring: self) { tile in
      let covered = quotientRoundedUp(count, tile.rows) * tile.rows
      return RegisterTileModel.cost(of: tile, share: Double(count) / Double(covered))
    }
  }
}

extension WeightGradientTile {
  var tile: Tile { Tile(sizes.merging(["parts": parts]) { $1 }) }

  /// This tile, and others for the same result.
  func candidates(
    _ sizes: ConvolutionSizes, _ dtype: DType, computeUnits: Int
  ) -> [WeightGradientTile] {
    var others: [WeightGradientTile] = []
    var splitting: [Tile: Double] = [:]
    let shapes = RegisterTileModel.shapes(columns: sizes.filters, width: width) {
      sizes.channels % $0 == 0
    }
    for (vectors, rows, local) in shapes {
      for (factor, cost) in [(1.0, 1.0), (0.5, 1.05), (2, 1.05), (0.25, 1.1)] {
        let tile = WeightGradientTile(
          sizes, dtype, width: width, vectors: vectors, rows: rows, local: local,
          computeUnits: computeUnits, partsFactor: factor)
        others.append(tile)
        splitting[tile.tile] = min(splitting[tile.tile] ?? .infinity, cost)
      }
    }
    return ranked(others, preferring: self) { tile in
      RegisterTileModel.cost(of: tile, share: 1) * (splitting[tile.tile] ?? 1)
    }
  }
}

/// A cost model of register tiles: relative times, for the order in which they are measured.
private enum RegisterTileModel {
  /// Vectors that a tile may have: twice those of the default's rule.
  static var mostVectors: Int { 2 * Tuning.tileVectors }

  /// The shapes of tiles that are tried for a result with that many columns.
  ///
  /// - Parameter fits: whether tiles may have that number of rows.
  static func shapes(
    columns: Int, width: Int, where fits: (Int) -> Bool
  ) -> [(vectors: Int, rows: Int, local: [Int])] {
    [1, 2, 4, 8].filter { columns % (width * $0) == 0 }.flatMap { vectors in
      [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28]
        .filter { fits($0) && $0 * vectors <= mostVectors }
        .flatMap { rows in
          locals(across: columns / (width * vectors)).map { (vectors, rows, $0) }
        }
    }
  }

  /// Sizes of groups that are tried for tiles of which that many lie side by side.
  private static func locals(across tiles: Int) -> [[Int]] {
    [64, 128, 256].flatMap { items in
      [16, 8, 4].map { powerOfTwo(atMost: min(tiles, $0)) }.map { [$0, items / $0] }
    }
  }

  /// The time of a multiply-add in a tile, relative to a multiply-add alone.
  ///
  /// - Parameter share: of the tile that lies inside the result.
  static func cost(of tile: some GridTile, share: Double) -> Double {
    let sums = tile.rows * tile.vectors
    // A row's number and the columns' vectors are loaded for each term.
    let loads = 0.5 * (1 / Double(tile.rows) + 1 / Double(tile.vectors))
    // Sums that depend on each other wait for each other.
    let waiting = max(1, 8 / Double(sums))
    let spilling = sums + tile.vectors + 1 > mostVectors ? 1.5 : 1
    let grouping = 1 + 0.01 * Double(abs(tile.items - 64)) / 64
    return (1 + loads) * waiting * spilling * grouping / share
  }
}
