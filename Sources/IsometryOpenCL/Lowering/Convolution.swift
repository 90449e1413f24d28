import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerConvolution(
    _ node: Node, _ convolution: Convolution, _ epilogue: Epilogue, _ prologue: Prologue?
  ) {
    let type = graph.type(of: node.results[0])
    let sizes = ConvolutionSizes(
      convolution, images: graph.shape(of: node.inputs[0]),
      weights: graph.shape(of: node.inputs[1]), pooled: type.shape, prologue)
    if lowerOnMatrixUnits(node, sizes, epilogue, prologue) { return }
    requireNoPrologue(sizes)
    let lines = sizes.images * sizes.outHeight
    let mostSpans = RowBlocks(type, tuning).mostSpans
    func partLines(_ tile: ConvolutionTile) -> Int {
      tile.linesOfGroup(lines: lines, pixels: sizes.outWidth, mostGroups: mostSpans)
    }
    let tile = chooseTile(
      "convolution", "\(sizes)", columns: sizes.filters, pixels: sizes.outWidth, type.dtype
    ) { epilogue.hasStatistics ? [$0.pixels, $0.local[1], partLines($0)] : [] }
    let x = operand(node.inputs[0], .channelsLast)
    let w = operand(node.inputs[1], .filtersLast)
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : w
    let residual = epilogue.hasResidual ? operand(node.inputs.last!, .channelsLast) : x
    var variant = ProgramVariant(.convolution, storage: type.dtype, tile.defines)
      .adding(epilogue.defines)
    var arguments: [Argument] =
      [
        .storage(x), .storage(w), .storage(bias), .storage(residual),
        .storage(zeros(sizes.channels, type.dtype)),
        .storage(makeResult(node.results[0], .channelsLast)),
      ] + sizes.arguments
    var groups = tile.groups(rows: lines, pixels: sizes.outWidth)
    if epilogue.hasStatistics {
      let statistics = makeStatistics(
        of: node, lines: lines, width: sizes.outWidth, partLines: partLines(tile),
        partWidth: groups[2] == 1 ? sizes.outWidth : tile.pixels)
      variant = variant.adding(["HAS_STATISTICS": "1"])
      arguments += [.storage(statistics.storage), .integer(statistics.partLines)]
      groups[1] = statistics.down
    }
    launch(
      "convolution \(sizes) \(type.dtype.rawValue)", variant,
      "convolution_register_tile_forward", arguments, groups: groups, local: tile.local)
  }

  mutating func lowerConvolutionInputGradient(
    _ node: Node, _ convolution: Convolution, _ epilogue: GradientEpilogue
  ) {
    let type = graph.type(of: node.results[0])
    let sizes = ConvolutionSizes(
      convolution, images: type.shape, weights: graph.shape(of: node.inputs[1]),
      pooled: graph.shape(of: node.inputs[0]))
    if lowerOnMatrixUnits(node, sizes, epilogue) { return }
    let classWidth = quotientRoundedUp(sizes.width, sizes.stride.width)
    let tile = chooseTile(
      "convolutionInputGradient", "\(sizes)", columns: sizes.channels, pixels: classWidth,
      type.dtype)
    let dy = operand(node.inputs[0], .channelsLast)
    let weights = operand(node.inputs[1], .channelsOfFiltersLast)
    launchWithPartialSums(
      "convolutionInputGradient \(sizes) \(type.dtype.rawValue)",
      ProgramVariant(.convolution, storage: type.dtype, tile.defines).adding(epilogue.defines),
      "convolution_register_tile_input_gradient",
      [.storage(dy), .storage(weights)] + epilogue.arguments(for: &self, placeholder: dy) + [
        .storage(zeros(sizes.filters, type.dtype)),
        .storage(makeResult(node.results[0], .channelsLast)),
      ] + sizes.arguments,
      groups: tile.groups(
        rows: sizes.images * sizes.height * sizes.stride.width, pixels: classWidth),
      local: tile.local)
  }

  mutating func lowerConvolutionWeightGradient(
    _ node: Node, _ convolution: Convolution, _ prologue: Prologue?
  ) {
    let type = graph.type(of: node.inputs[0])
    let wide = type.dtype.accumulator
    let sizes = ConvolutionSizes(
      convolution, images: graph.shape(of: node.inputs[1]),
      weights: graph.shape(of: node.results[0]), pooled: type.shape, prologue)
    let dy = operand(node.inputs[0], .channelsLast)
    let x = operand(node.inputs[1], .channelsLast)
    let hasBias = node.results.count > 1
    let plan =
      matrixUnitLaunch(sizes, type.dtype, hasBias: hasBias)
      ?? portableLaunch(sizes, type.dtype, hasBias: hasBias)
    let prologue = launch(of: prologue, node)
    var sums = [
      splitSum(
        of: makeResult(node.results[0], .filtersLast), columns: sizes.weightCount,
        parts: plan.parts, wide)
    ]
    if hasBias {
      sums.append(
        splitSum(
          of: makeResult(node.results[1]), columns: sizes.filters, parts: plan.parts, wide))
    }
    launch(
      "convolutionWeightGradient \(sizes) \(type.dtype.rawValue)",
      plan.variant.adding(["HAS_BIAS": hasBias ? "1" : "0"]).adding(prologue.defines),
      plan.kernel,
      [
        .storage(dy), .storage(x), .storage(sums[0].partial),
        .storage(sums[hasBias ? 1 : 0].partial),
      ] + sizes.arguments + [.integer(plan.lengthOfPart)] + prologue.arguments,
      groups: plan.groups, local: plan.local)
    for sum in sums { addUp(sum) }
  }

  /// The register tile of a convolution or a product.
  ///
  /// - Parameter order: as of `choose`; without statistics, each sum is one, whatever the tile.
  mutating func chooseTile(
    _ kernel: String, _ shape: String, columns: Int, pixels: Int, _ dtype: DType,
    order: (ConvolutionTile) -> [Int] = { _ in [] }
  ) -> ConvolutionTile {
    let tuning = tuning
    let preferred = ConvolutionTile(columns: columns, pixels: pixels, dtype, tuning)
    return choose(
      kernel, shape, dtype, preferring: preferred,
      among: { preferred.candidates(pixels: pixels, dtype, tuning) }, order: order)
  }

  private mutating func portableLaunch(
    _ sizes: ConvolutionSizes, _ dtype: DType, hasBias: Bool
  ) -> WeightGradientLaunch {
    requireNoPrologue(sizes)
    let tuning = tuning
    let preferred = WeightGradientTile(sizes, dtype, tuning)
    let tile = choose(
      "convolutionWeightGradient", "\(sizes)", dtype, preferring: preferred,
      among: { preferred.candidates(sizes, dtype, tuning) }, order: { [$0.rowsPerPart] })
    return tile.launch(dtype, hasBias: hasBias)
  }

  private func requireNoPrologue(_ sizes: ConvolutionSizes) {
    precondition(
      !sizes.isNormalizing,
      "convolution \(sizes): only matrix units take a prologue (BackendTraits.prologueTypes)")
  }
}

/// The extents of a convolution as its kernels take them.
struct ConvolutionSizes: CustomStringConvertible {
  let images: Int
  let channels: Int
  let height: Int
  let width: Int
  let filters: Int
  let outHeight: Int
  let outWidth: Int
  let filterHeight: Int
  let filterWidth: Int
  let stride: Convolution.Pair
  let padding: Convolution.Pair
  /// Whether the images are normalized where they are read.
  let isNormalizing: Bool

  init(
    _ convolution: Convolution, images: Shape, weights: Shape, pooled: Shape,
    _ prologue: Prologue? = nil
  ) {
    isNormalizing = prologue != nil
    self.images = images[0]
    channels = images[1]
    height = images[2]
    width = images[3]
    filters = weights[0]
    outHeight = pooled[2]
    outWidth = pooled[3]
    filterHeight = weights[2]
    filterWidth = weights[3]
    stride = convolution.stride
    padding = convolution.padding
  }

  var arguments: [Argument] {
    [
      images, channels, height, width, filters, outHeight, outWidth, filterHeight, filterWidth,
      stride.height, stride.width, padding.height, padding.width,
    ].map { .integer($0) }
  }

  var taps: Int { filterHeight * filterWidth }
  var weightCount: Int { taps * channels * filters }

  /// Bytes of the image and of the gradient that a weight gradient reads.
  func operandByteCount(_ dtype: DType) -> Int {
    dtype.byteCount * images * (channels * height * width + filters * outHeight * outWidth)
  }

  var description: String {
    "\(images)x\(channels)x\(height)x\(width) \(filterHeight)x\(filterWidth)/\(stride.height) "
      + "to \(filters)x\(outHeight)x\(outWidth)" + (isNormalizing ? " normalizing" : "")
  }
}

/// The register tile of convolution_register_tile_*: pixels by vectors of the result's channels.
struct ConvolutionTile {
  let width: Int
  let vectors: Int
  let pixels: Int
  let columns: Int
  let local: [Int]
  private let isCPU: Bool
  private let wantedItems: Int

  /// - Parameters:
  ///   - columns: the result's channels; `width * vectors` divides them.
  ///   - pixels: how many pixels lie side by side along a row.
  init(columns: Int, pixels: Int, _ dtype: DType, _ tuning: Tuning) {
    let width = tuning.width(dtype, dividing: columns)
    let isWide = width == tuning.width(dtype)
    // Wider tiles read each pixel less often; where rows are short, they keep the registers busy.
    var vectors = 1
    if isWide {
      let wanted = pixels <= 4 ? 4 : 2
      vectors = largestPowerOfTwo(dividing: columns / width, atMost: wanted)
    }
    let fitting = powerOfTwo(atMost: max(1, tuning.tileVectors / vectors))
    var tall = 1
    while tall < min(pixels, fitting) { tall *= 2 }
    self.width = width
    self.vectors = vectors
    self.pixels = tall
    self.columns = columns
    isCPU = tuning.groupSize == 1
    wantedItems = tuning.wantedItems
    let tiles = columns / (width * vectors)
    let across = isCPU ? 1 : powerOfTwo(atMost: min(tiles, 16))
    local = [across, isCPU ? 1 : 64 / across]
  }

  /// - Precondition: `width * vectors` divides `columns`, and on a CPU groups are one item.
  init(
    columns: Int, width: Int, vectors: Int, pixels: Int, local: [Int], _ tuning: Tuning
  ) {
    self.columns = columns
    self.width = width
    self.vectors = vectors
    self.pixels = pixels
    self.local = local
    isCPU = tuning.groupSize == 1
    wantedItems = tuning.wantedItems
  }

  var defines: [String: Int] {
    [
      "WIDTH": width, "TILE_ROWS": pixels, "TILE_VECTORS": vectors,
      "LOCAL_COLUMNS": local[0], "LOCAL_ROWS": local[1],
    ]
  }

  /// A CPU's work-item takes all of a row, a GPU's one tile.
  func groups(rows: Int, pixels: Int) -> [Int] {
    [
      quotientRoundedUp(columns / (width * vectors), local[0]),
      quotientRoundedUp(rows, local[1]),
      isCPU ? 1 : quotientRoundedUp(pixels, self.pixels),
    ]
  }

  /// Rows of pixels that a group takes if it stores statistics. On a CPU no launch has to merge those of
  /// groups; elsewhere the device keeps enough items.
  func linesOfGroup(lines: Int, pixels: Int, mostGroups: Int) -> Int {
    let groups = groups(rows: lines, pixels: pixels)
    let items = groups.reduce(1, *) * local.reduce(1, *)
    let turns =
      isCPU ? quotientRoundedUp(groups[1], mostGroups) : max(1, items / (2 * wantedItems))
    return local[1] * turns
  }
}

/// How a weight gradient is launched, on whatever arithmetic.
struct WeightGradientLaunch {
  let variant: ProgramVariant
  let kernel: String
  /// Partial sums; with one part the launch writes the gradient itself.
  let parts: Int
  /// In the kernel's own unit.
  let lengthOfPart: Int
  let groups: [Int]
  let local: [Int]
}

/// The register tile of convolution_weight_gradient and the number of parts.
struct WeightGradientTile {
  let width: Int
  let vectors: Int
  let tileRows: Int
  let parts: Int
  let rowsPerPart: Int
  let local: [Int]
  private let columnTiles: Int
  private let rowTiles: Int

  init(_ sizes: ConvolutionSizes, _ dtype: DType, _ tuning: Tuning) {
    let width = tuning.width(dtype, dividing: sizes.filters)
    let isWide = width == tuning.width(dtype)
    let isCPU = tuning.groupSize == 1
    let vectors =
      isWide && isCPU ? largestPowerOfTwo(dividing: sizes.filters / width, atMost: 2) : 1
    let across = isCPU ? 1 : powerOfTwo(atMost: min(sizes.filters / (width * vectors), 16))
    self.init(
      sizes, dtype, tuning, width: width, vectors: vectors,
      tileRows: Self.largestDivisor(of: sizes.channels, atMost: tuning.tileVectors / vectors),
      local: [across, isCPU ? 1 : 64 / across])
  }

  /// - Parameter partsFactor: multiplies the number of parts that a model prefers.
  /// - Precondition: `width * vectors` divides the filters and `tileRows` the channels, and on a CPU
  ///   groups are one item.
  init(
    _ sizes: ConvolutionSizes, _ dtype: DType, _ tuning: Tuning, width: Int, vectors: Int,
    tileRows: Int, local: [Int], partsFactor: Double = 1
  ) {
    self.width = width
    self.vectors = vectors
    self.tileRows = tileRows
    self.local = local
    columnTiles = sizes.filters / (width * vectors)
    rowTiles = sizes.taps * (sizes.channels / tileRows)

    // Enough items to fill the device and parts whose operands stay in a cache, but no more
    // partial sums than there are operands, on a CPU an eighth.
    let rows = sizes.images * sizes.outHeight
    let operandBytes = sizes.operandByteCount(dtype)
    let forItems = quotientRoundedUp(tuning.wantedItems, columnTiles * rowTiles)
    let forCache = tuning.groupSize == 1 ? operandBytes / (1 << 18) : 1
    let sumBytes = sizes.weightCount * dtype.accumulator.byteCount
    let limit = max(1, operandBytes / (tuning.groupSize == 1 ? 8 * sumBytes : sumBytes))
    let preferred = min(max(forItems, forCache), limit, rows)
    let wanted = min(Int(partsFactor * Double(preferred)), limit, rows)
    rowsPerPart = quotientRoundedUp(rows, max(wanted, 1))
    parts = quotientRoundedUp(rows, rowsPerPart)
  }

  /// One more row of tiles sums the bias's gradient.
  func launch(_ dtype: DType, hasBias: Bool) -> WeightGradientLaunch {
    WeightGradientLaunch(
      variant: ProgramVariant(.weightGradient, storage: dtype, defines),
      kernel: "convolution_weight_gradient", parts: parts, lengthOfPart: rowsPerPart,
      groups: [
        quotientRoundedUp(columnTiles, local[0]),
        quotientRoundedUp(rowTiles + (hasBias ? 1 : 0), local[1]), parts,
      ], local: local)
  }

  private var defines: [String: Int] {
    [
      "WIDTH": width, "TILE_ROWS": tileRows, "TILE_VECTORS": vectors, "LOCAL_COLUMNS": local[0],
      "LOCAL_ROWS": local[1],
    ]
  }

  private static func largestDivisor(of number: Int, atMost limit: Int) -> Int {
    (1...max(limit, 1)).last { number % $0 == 0 } ?? 1
  }
}
