import IsometryCore
import IsometryGraph

/// Convolutions by kernels/convolution/register_tile.cl and weight_gradient.cl, on any device.
struct RegisterTileConvolution: ConvolutionVariant {
  let dtype: DType

  let weights = Layout.filtersLast
  let weightsOfInputGradient = Layout.channelsOfFiltersLast
  let readsZeros = true

  func forward(
    _ sizes: ConvolutionSizes, hasStatistics: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, statistics: StatisticsParts?) {
    let lines = sizes.images * sizes.outHeight
    let computeUnits = tiles.computeUnits
    func partLines(_ tile: RegisterTile) -> Int {
      tile.linesOfGroup(lines: lines, pixels: sizes.outWidth, computeUnits: computeUnits)
    }
    let tile = tiles.choose(
      "convolution", "\(sizes)", columns: sizes.filters, pixels: sizes.outWidth, dtype
    ) { hasStatistics ? [$0.rows, $0.local[1], partLines($0)] : [] }
    var groups = tile.groups(lines: lines, pixels: sizes.outWidth)
    var parts: StatisticsParts?
    if hasStatistics {
      let own = StatisticsParts(
        lines: lines, width: sizes.outWidth, partLines: partLines(tile),
        partWidth: groups[2] == 1 ? sizes.outWidth : tile.rows,
        arguments: [.integer(partLines(tile))])
      groups[1] = own.down
      parts = own
    }
    let kernel = TiledKernel(
      variant: ProgramVariant(.convolution, storage: dtype, tile.defines)
        .adding(["HAS_STATISTICS": hasStatistics ? "1" : "0"]),
      name: "convolution_register_tile_forward", arguments: tile.gridArguments, groups: groups,
      local: [tile.items])
    return (kernel, parts)
  }

  func inputGradient(_ sizes: ConvolutionSizes, _ tiles: inout TileSelection) -> TiledKernel {
    let classWidth = quotientRoundedUp(sizes.width, sizes.stride.width)
    let tile = tiles.choose(
      "convolutionInputGradient", "\(sizes)", columns: sizes.channels, pixels: classWidth, dtype)
    return TiledKernel(
      variant: ProgramVariant(.convolution, storage: dtype, tile.defines),
      name: "convolution_register_tile_input_gradient", arguments: tile.gridArguments,
      groups: tile.groups(
        lines: sizes.images * sizes.height * sizes.stride.width, pixels: classWidth),
      local: [tile.items])
  }

  /// One more row of tiles sums the bias's gradient.
  func weightGradient(
    _ sizes: ConvolutionSizes, hasBias: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, parts: Int) {
    let computeUnits = tiles.computeUnits
    let preferred = WeightGradientTile(sizes, dtype, computeUnits: computeUnits)
    let tile = tiles.choose(
      "convolutionWeightGradient", "\(sizes)", dtype, preferring: preferred,
      among: { preferred.candidates(sizes, dtype, computeUnits: computeUnits) },
      order: { [$0.rowsPerPart] })
    let kernel = TiledKernel(
      variant: ProgramVariant(.weightGradient, storage: dtype, tile.defines),
      name: "convolution_weight_gradient",
      arguments: [.integer(tile.rowsPerPart)] + tile.gridArguments,
      groups: [
        quotientRoundedUp(tile.columnTiles, tile.local[0]),
        quotientRoundedUp(tile.rowTiles + (hasBias ? 1 : 0), tile.local[1]), tile.parts,
      ], local: [tile.items])
    return (kernel, tile.parts)
  }
}

extension TileSelection {
  /// The register tile of a convolution or a product.
  ///
  /// - Parameter order: as of `choose`; without statistics, each sum is one, whatever the tile.
  mutating func choose(
    _ kernel: String, _ shape: String, columns: Int, pixels: Int, _ dtype: DType,
    order: (RegisterTile) -> [Int] = { _ in [] }
  ) -> RegisterTile {
    let preferred = RegisterTile(columns: columns, pixels: pixels, dtype)
    return choose(
      kernel, shape, dtype, preferring: preferred,
      among: { preferred.candidates(pixels: pixels) }, order: order)
  }
}
