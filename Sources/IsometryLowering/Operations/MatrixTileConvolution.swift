import IsometryCore
import IsometryGraph

/// Convolutions by kernels/convolution/matrix_tile*.cl, on matrix units.
struct MatrixTileConvolution: ConvolutionVariant {
  let dtype: DType
  let units: MatrixUnits

  let weights = Layout.channelsOfFiltersLast
  let weightsOfInputGradient = Layout.filtersLast
  let readsZeros = false

  func forward(
    _ sizes: ConvolutionSizes, hasStatistics: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, statistics: StatisticsParts?) {
    let rows = sizes.images * sizes.outHeight * sizes.outWidth
    let tile = tiles.choose(
      "convolution", "\(sizes)", rows: rows, columns: sizes.filters, dtype, units
    ) { hasStatistics ? [$0.rows, $0.columns, $0.warpsAcross] : [] }
    let kernel = TiledKernel(
      variant: tile.variant(.matrixConvolution, leftInnerLast: true, rightInnerLast: true)
        .adding(["HAS_STATISTICS": hasStatistics ? "1" : "0"]),
      name: "convolution_matrix_tile_forward",
      groups: [tile.blocks(rows: rows, columns: sizes.filters)], local: [MatrixTile.items])
    let parts = StatisticsParts(lines: rows, width: 1, partLines: tile.rows, partWidth: 1)
    return (kernel, hasStatistics ? parts : nil)
  }

  func inputGradient(_ sizes: ConvolutionSizes, _ tiles: inout TileSelection) -> TiledKernel {
    let (down, across) = (sizes.stride.height, sizes.stride.width)
    // The pixels of the largest class.
    let rows =
      sizes.images * quotientRoundedUp(sizes.height, down)
      * quotientRoundedUp(sizes.width, across)
    let tile = tiles.choose(
      "convolutionInputGradient", "\(sizes)", rows: rows * down * across,
      columns: sizes.channels, dtype, units)
    return TiledKernel(
      variant: tile.variant(.matrixConvolution, leftInnerLast: true, rightInnerLast: true)
        .adding(["INPUT_GRADIENT": "1"]),
      name: "convolution_matrix_tile_input_gradient",
      groups: [tile.blocks(rows: rows, columns: sizes.channels), down * across],
      local: [MatrixTile.items])
  }

  func weightGradient(
    _ sizes: ConvolutionSizes, hasBias: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, parts: Int) {
    // The bias's gradient is one row more.
    let rows = sizes.taps * sizes.channels + (hasBias ? 1 : 0)
    let computeUnits = tiles.computeUnits
    func split(_ block: MatrixTile, factor: Double) -> MatrixWeightGradientTile {
      MatrixWeightGradientTile(
        block, sizes, rows: rows, computeUnits: computeUnits, partsFactor: factor)
    }
    let preferred = split(MatrixTile(dtype, units) { split($0, factor: 1).time }, factor: 1)
    let tile = tiles.choose(
      "convolutionWeightGradient", "\(sizes)", dtype, units, preferring: preferred,
      among: { preferred.candidates(split) }, order: { [$0.pixelsPerPart] })
    let kernel = TiledKernel(
      variant: tile.block.variant(
        .matrixWeightGradient, leftInnerLast: false, rightInnerLast: false),
      name: "convolution_matrix_tile_weight_gradient",
      arguments: [.integer(tile.pixelsPerPart)],
      groups: [tile.block.blocks(rows: rows, columns: sizes.filters), tile.parts],
      local: [MatrixTile.items])
    return (kernel, tile.parts)
  }
}

extension TileSelection {
  /// The block of a convolution or a product.
  ///
  /// - Parameter order: as of `choose`; without statistics, each sum is one, whatever the block.
  mutating func choose(
    _ kernel: String, _ shape: String, rows: Int, columns: Int, _ dtype: DType,
    _ units: MatrixUnits, order: (MatrixTile) -> [Int] = { _ in [] }
  ) -> MatrixTile {
    let computeUnits = computeUnits
    func time(_ tile: MatrixTile) -> Int {
      tile.time(groups: tile.blocks(rows: rows, columns: columns), computeUnits: computeUnits)
    }
    let preferred = MatrixTile(dtype, units, time: time)
    return choose(
      kernel, shape, dtype, units, preferring: preferred,
      among: { preferred.candidates(time: time) }, order: order)
  }
}
