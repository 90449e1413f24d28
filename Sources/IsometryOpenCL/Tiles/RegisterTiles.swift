import IsometryCore
import IsometryGraph

/// A model of what register tiles cost: relative times, for the order in which they are measured.
struct RegisterTileModel {
  let tuning: Tuning

  /// Rows that are tried.
  static let rows = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28]

  /// Vectors that a tile may have: those that the default's rule allows, and as many again.
  var mostVectors: Int { 2 * tuning.tileVectors }

  /// Widths that are tried for that many columns.
  func widths(_ dtype: DType, columns: Int) -> [Int] {
    let widest = tuning.width(dtype, dividing: columns)
    return widest >= 8 ? [widest, widest / 2] : [widest]
  }

  /// Sizes of groups that are tried for tiles of which that many lie side by side.
  func locals(across tiles: Int) -> [[Int]] {
    if tuning.groupSize == 1 { return [[1, 1]] }
    return [64, 128, 256].flatMap { items in
      [16, 8, 4].map { powerOfTwo(atMost: min(tiles, $0)) }.map { [$0, items / $0] }
    }
  }

  /// The time of a multiply-add in a tile, relative to a multiply-add alone.
  ///
  /// - Parameter share: of the tile that lies inside the result.
  func cost(width: Int, rows: Int, vectors: Int, share: Double, local: [Int]) -> Double {
    let sums = rows * vectors
    // A row's number and the columns' vectors are loaded for each term.
    let loads = 0.5 * (1 / Double(rows) + 1 / Double(vectors))
    // Sums that depend on each other wait for each other.
    let waiting = max(1, 8 / Double(sums))
    let spilling = sums + vectors + 1 > mostVectors ? 1.5 : 1
    let narrowness = Double(tuning.vectorByteCount / 4) / Double(width)
    let grouping = 1 + 0.01 * Double(abs(local[0] * local[1] - 64)) / 64
    return (1 + loads) * waiting * spilling * narrowness * grouping / share
  }
}

extension ConvolutionTile: TileCandidate {
  var tile: Tile {
    Tile([
      "width": width, "rows": pixels, "vectors": vectors, "local columns": local[0],
      "local rows": local[1],
    ])
  }

  /// This tile, and others for the same result.
  ///
  /// - Parameters:
  ///   - count: how many pixels lie side by side along a row.
  func candidates(pixels count: Int, _ dtype: DType, _ tuning: Tuning) -> [ConvolutionTile] {
    let model = RegisterTileModel(tuning: tuning)
    var others: [ConvolutionTile] = []
    for width in model.widths(dtype, columns: columns) {
      for vectors in [1, 2, 4, 8] where columns % (width * vectors) == 0 {
        let tiles = columns / (width * vectors)
        for rows in RegisterTileModel.rows
        where rows <= max(1, count) && rows * vectors <= model.mostVectors {
          others += model.locals(across: tiles).map { local in
            ConvolutionTile(
              columns: columns, width: width, vectors: vectors, pixels: rows, local: local,
              tuning)
          }
        }
      }
    }
    return ranked(others, preferring: self) { tile in
      let covered = quotientRoundedUp(count, tile.pixels) * tile.pixels
      return model.cost(
        width: tile.width, rows: tile.pixels, vectors: tile.vectors,
        share: Double(count) / Double(covered), local: tile.local)
    }
  }
}

extension WeightGradientTile: TileCandidate {
  var tile: Tile {
    Tile([
      "width": width, "rows": tileRows, "vectors": vectors, "local columns": local[0],
      "local rows": local[1], "parts": parts,
    ])
  }

  /// This tile, and others for the same result.
  func candidates(
    _ sizes: ConvolutionSizes, _ dtype: DType, _ tuning: Tuning
  ) -> [WeightGradientTile] {
    let model = RegisterTileModel(tuning: tuning)
    var others: [(tile: WeightGradientTile, splitting: Double)] = []
    for width in model.widths(dtype, columns: sizes.filters) {
      for vectors in [1, 2, 4, 8] where sizes.filters % (width * vectors) == 0 {
        for rows in RegisterTileModel.rows
        where sizes.channels % rows == 0 && rows * vectors <= model.mostVectors {
          for local in model.locals(across: sizes.filters / (width * vectors)) {
            for (factor, splitting) in [(1.0, 1.0), (0.5, 1.05), (2, 1.05), (0.25, 1.1)] {
              others.append(
                (
                  WeightGradientTile(
                    sizes, dtype, tuning, width: width, vectors: vectors, tileRows: rows,
                    local: local, partsFactor: factor), splitting
                ))
            }
          }
        }
      }
    }
    let splitting = Dictionary(
      others.map { ($0.tile.tile, $0.splitting) }, uniquingKeysWith: min)
    return ranked(others.map(\.tile), preferring: self) { tile in
      model.cost(
        width: tile.width, rows: tile.tileRows, vectors: tile.vectors, share: 1,
        local: tile.local) * (splitting[tile.tile] ?? 1)
    }
  }
}
