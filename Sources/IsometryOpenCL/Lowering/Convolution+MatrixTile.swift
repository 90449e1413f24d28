import IsometryCore
import IsometryGraph

extension Lowering {
  /// The device's matrix units where they take images and weights of these extents.
  private func matrixUnits(for sizes: ConvolutionSizes, _ dtype: DType) -> MatrixUnits? {
    guard let matrixUnits, matrixUnits.types.contains(dtype),
      MatrixUnits.canRead(rowsOf: sizes.channels), MatrixUnits.canRead(rowsOf: sizes.filters)
    else { return nil }
    return matrixUnits
  }

  /// The convolution on the device's matrix units; false where it has none that take the operands.
  mutating func lowerOnMatrixUnits(
    _ node: Node, _ sizes: ConvolutionSizes, _ epilogue: Epilogue, _ prologue: Prologue?
  ) -> Bool {
    let dtype = graph.type(of: node.results[0]).dtype
    guard let units = matrixUnits(for: sizes, dtype) else { return false }
    let prologue = launch(of: prologue, node)
    let x = operand(node.inputs[0], .channelsLast)
    let weights = operand(node.inputs[1], .channelsOfFiltersLast)
    let bias = epilogue.hasBias ? operand(node.inputs[2 + prologue.arguments.count]) : weights
    let residual = epilogue.hasResidual ? operand(node.inputs.last!, .channelsLast) : x
    let rows = sizes.images * sizes.outHeight * sizes.outWidth
    let tile = chooseTile(
      "convolution", "\(sizes)", rows: rows, columns: sizes.filters, dtype, units
    ) { epilogue.hasStatistics ? [$0.rows, $0.columns, $0.warpsAcross] : [] }
    var variant = tile.variant(
      .matrixConvolution, leftInnerLast: true, rightInnerLast: true
    ).adding(epilogue.defines).adding(prologue.defines)
    var arguments: [Argument] =
      [
        .storage(x), .storage(weights), .storage(bias), .storage(residual),
        .storage(makeResult(node.results[0], .channelsLast)),
      ] + sizes.arguments
    if epilogue.hasStatistics {
      let statistics = makeStatistics(
        of: node, lines: rows, width: 1, partLines: tile.rows, partWidth: 1)
      variant = variant.adding(["HAS_STATISTICS": "1"])
      arguments.append(.storage(statistics.storage))
    }
    arguments += prologue.arguments
    launch(
      "convolution \(sizes) \(dtype.rawValue)", variant, "convolution_matrix_tile_forward",
      arguments, groups: [tile.blocks(rows: rows, columns: sizes.filters)],
      local: [MatrixTile.items])
    return true
  }

  /// The input gradient on the device's matrix units; false where it has none that take the operands.
  mutating func lowerOnMatrixUnits(
    _ node: Node, _ sizes: ConvolutionSizes, _ epilogue: GradientEpilogue
  ) -> Bool {
    let dtype = graph.type(of: node.results[0]).dtype
    guard let units = matrixUnits(for: sizes, dtype) else { return false }
    let dy = operand(node.inputs[0], .channelsLast)
    let weights = operand(node.inputs[1], .filtersLast)
    let (down, across) = (sizes.stride.height, sizes.stride.width)
    // The pixels of the largest class.
    let rows =
      sizes.images * quotientRoundedUp(sizes.height, down)
      * quotientRoundedUp(sizes.width, across)
    let tile = chooseTile(
      "convolutionInputGradient", "\(sizes)", rows: rows, columns: sizes.channels, dtype, units)
    var defines = epilogue.defines
    defines["INPUT_GRADIENT"] = "1"
    let variant = tile.variant(
      .matrixConvolution, leftInnerLast: true, rightInnerLast: true)
    launchWithPartialSums(
      "convolutionInputGradient \(sizes) \(dtype.rawValue)", variant.adding(defines),
      "convolution_matrix_tile_input_gradient",
      [.storage(dy), .storage(weights)] + epilogue.arguments(for: &self, placeholder: dy)
        + [.storage(makeResult(node.results[0], .channelsLast))] + sizes.arguments,
      groups: [tile.blocks(rows: rows, columns: sizes.channels), down * across],
      local: [MatrixTile.items])
    return true
  }

  /// The weight gradient's launch on the device's matrix units; nil where it has none that take the
  /// operands.
  mutating func matrixUnitLaunch(
    _ sizes: ConvolutionSizes, _ dtype: DType, hasBias: Bool
  ) -> WeightGradientLaunch? {
    guard let units = matrixUnits(for: sizes, dtype) else { return nil }
    // The bias's gradient is one row more.
    let rows = sizes.taps * sizes.channels + (hasBias ? 1 : 0)
    let tuning = tuning
    let preferred = MatrixWeightGradientTile(
      MatrixTile(rows: rows, columns: sizes.filters, dtype, tuning, units), sizes, dtype,
      rows: rows,
      tuning)
    let tile = choose(
      "convolutionWeightGradient", "\(sizes)", dtype, units, preferring: preferred,
      among: { preferred.candidates(sizes, dtype, rows: rows, tuning) },
      order: { [$0.pixelsPerPart] })
    return WeightGradientLaunch(
      variant: tile.block.variant(
        .matrixWeightGradient, leftInnerLast: false, rightInnerLast: false),
      kernel: "convolution_matrix_tile_weight_gradient", parts: tile.parts,
      lengthOfPart: tile.pixelsPerPart,
      groups: [tile.block.blocks(rows: rows, columns: sizes.filters), tile.parts],
      local: [MatrixTile.items])
  }

  /// The block of a convolution or a product.
  ///
  /// - Parameter order: as of `choose`; without statistics, each sum is one, whatever the block.
  mutating func chooseTile(
    _ kernel: String, _ shape: String, rows: Int, columns: Int, _ dtype: DType,
    _ units: MatrixUnits, order: (MatrixTile) -> [Int] = { _ in [] }
  ) -> MatrixTile {
    let tuning = tuning
    let preferred = MatrixTile(rows: rows, columns: columns, dtype, tuning, units)
    return choose(
      kernel, shape, dtype, units, preferring: preferred,
      among: { preferred.candidates(rows: rows, columns: columns, tuning) }, order: order)
  }
}
