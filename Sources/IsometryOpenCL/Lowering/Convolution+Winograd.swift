import IsometryCore
import IsometryGraph

extension Lowering {
  /// Whether a convolution or one of its gradients is computed by Winograd's algorithm, which takes so much
  /// local memory for it.
  private func usesWinograd(
    _ sizes: ConvolutionSizes, _ dtype: DType, localByteCount: Int
  ) -> Bool {
    sizes.suitsWinograd && dtype.accumulator == .float32
      && localByteCount <= tuning.winogradByteCount
  }

  /// Launches a convolution by Winograd's algorithm; false where that is not for it.
  mutating func lowerByWinograd(
    _ node: Node, _ sizes: ConvolutionSizes, _ epilogue: Epilogue, _ prologue: PrologueLaunch
  ) -> Bool {
    let type = graph.type(of: node.results[0])
    let isNormalized = isNormalized(node.results[0])
    let tiles = WinogradTiles(
      sizes, source: sizes.channels, result: sizes.filters, tuning,
      mostGroups: isNormalized ? RowBlocks(type, tuning).mostSpans : nil)
    guard usesWinograd(sizes, type.dtype, localByteCount: tiles.localByteCount) else {
      return false
    }
    let x = operand(node.inputs[0], .channelsLast)
    let w = winogradWeights(node.inputs[1], type.dtype, turned: false)
    let bias = epilogue.hasBias ? operand(node.inputs[2 + prologue.arguments.count]) : w
    let residual = epilogue.hasResidual ? operand(node.inputs.last!, .channelsLast) : x
    var variant = ProgramVariant(.winogradConvolution, storage: type.dtype, tiles.defines)
      .adding(epilogue.defines).adding(prologue.defines)
    var arguments: [Argument] =
      [
        .storage(x), .storage(w), .storage(bias), .storage(residual),
        .storage(makeResult(node.results[0], .channelsLast)),
      ] + tiles.arguments
    if isNormalized {
      let statistics = makeStatistics(
        of: node.results[0], lines: tiles.lines, width: sizes.width,
        partLines: tiles.groupLines, partWidth: sizes.width)
      variant = variant.adding(["HAS_STATISTICS": "1"])
      arguments.append(.storage(statistics.storage))
    }
    arguments += prologue.arguments
    launch(
      "convolution \(sizes) \(type.dtype.rawValue)", variant, "convolution_winograd_forward",
      arguments, groups: [1, tiles.groups], local: [1, 1])
    return true
  }

  /// Launches an input gradient by Winograd's algorithm; false where that is not for it.
  mutating func lowerByWinograd(
    _ node: Node, _ sizes: ConvolutionSizes, _ epilogue: GradientEpilogue
  ) -> Bool {
    let type = graph.type(of: epilogue.result)
    let tiles = WinogradTiles(sizes, source: sizes.filters, result: sizes.channels, tuning)
    guard usesWinograd(sizes, type.dtype, localByteCount: tiles.localByteCount) else {
      return false
    }
    let dy = operand(node.inputs[0], .channelsLast)
    let weights = winogradWeights(node.inputs[1], type.dtype, turned: true)
    launchWithPartialSums(
      "convolutionInputGradient \(sizes) \(type.dtype.rawValue)",
      ProgramVariant(.winogradConvolution, storage: type.dtype, tiles.defines)
        .adding(epilogue.defines),
      "convolution_winograd_input_gradient",
      [.storage(dy), .storage(weights)] + epilogue.arguments(for: &self, placeholder: dy)
        + [.storage(makeResult(epilogue.result, .channelsLast))] + tiles.arguments,
      groups: [1, tiles.groups], local: [1, 1], isSharing: true)
    return true
  }

  /// The weight gradient's launch by Winograd's algorithm; nil where that is not for it.
  func winogradLaunch(
    _ sizes: ConvolutionSizes, _ dtype: DType, hasBias: Bool
  ) -> WeightGradientLaunch? {
    let units = WinogradUnits(sizes, tuning)
    guard usesWinograd(sizes, dtype, localByteCount: units.localByteCount) else { return nil }
    return units.launch(sizes, dtype, tuning, hasBias: hasBias)
  }
}

/// What Winograd's algorithm works on at a time (kernels/convolution/winograd.cl).
private enum WinogradSizes {
  /// Rows and columns of a tile, and the numbers that its transform makes of a channel.
  static let side = 4
  static let places = 36
  /// Tiles that are in local memory at a time.
  static let tilesAtOnce = 16

  /// Local memory of all tiles' numbers and a vector between places.
  static func byteCount(channels: Int, lanes: Int) -> Int {
    DType.float32.byteCount * places * (tilesAtOnce * channels + lanes)
  }

  /// A register tile with as many sums as half the registers of a CPU that has 32.
  static func registerTile(columns: Int, lanes: Int) -> [String: Int] {
    let vectors = largestPowerOfTwo(dividing: columns / lanes, atMost: 2)
    return [
      "WIDTH": lanes, "TILES": tilesAtOnce, "TILE_ROWS": tilesAtOnce / vectors,
      "TILE_VECTORS": vectors,
    ]
  }
}

/// How a convolution or an input gradient by Winograd's algorithm divides images among groups, which are
/// one item each.
struct WinogradTiles {
  /// Rows of all images.
  let lines: Int
  /// Rows of images of one group: whole rows of tiles, or whole images where those end within tiles.
  let groupLines: Int
  private let images: Int
  private let height: Int
  private let width: Int
  private let source: Int
  private let result: Int
  private let lanes: Int

  /// - Parameters:
  ///   - source: channels of what is read.
  ///   - result: channels of what is made.
  ///   - mostGroups: how many groups there may be; nil where nobody reads what they make one by one.
  init(
    _ sizes: ConvolutionSizes, source: Int, result: Int, _ tuning: Tuning, mostGroups: Int? = nil
  ) {
    images = sizes.images
    height = sizes.height
    width = sizes.width
    lines = sizes.images * sizes.height
    self.source = source
    self.result = result
    lanes = tuning.width(.float32)
    let side = WinogradSizes.side
    let across = quotientRoundedUp(sizes.width, side)
    let isWhole = sizes.height % side == 0
    let unitLines = isWhole ? side : sizes.height
    let unitTiles = isWhole ? across : across * quotientRoundedUp(sizes.height, side)
    // Whole batches of tiles, of which each asks for the next from memory, but enough groups for all of a
    // device's processors.
    let full = quotientRoundedUp(WinogradSizes.tilesAtOnce, unitTiles)
    let most = mostGroups ?? 2 * tuning.wantedItems
    let units = quotientRoundedUp(lines / unitLines, most)
    groupLines = quotientRoundedUp(units, full) * full * unitLines
  }

  var groups: Int { quotientRoundedUp(lines, groupLines) }

  var arguments: [Argument] { [images, height, width, groupLines].map { .integer($0) } }

  var defines: [String: Int] {
    WinogradSizes.registerTile(columns: result, lanes: lanes).merging(
      ["SOURCE_CHANNELS": source, "RESULT_CHANNELS": result]
    ) { $1 }
  }

  var localByteCount: Int {
    [source, result].map { WinogradSizes.byteCount(channels: $0, lanes: lanes) }.reduce(0, +)
  }
}

/// Channels by filters of a weight gradient whose sums are in local memory at a time.
struct WinogradUnits {
  let channels: Int
  let filters: Int
  private let lanes: Int

  /// The largest units that the device has local memory for, up to 64 by 64; the smallest where it has
  /// too little for any.
  init(_ sizes: ConvolutionSizes, _ tuning: Tuning) {
    let units = [64, 48, 32, 16].map { WinogradUnits(sizes, atMost: $0, tuning) }
    self = units.first { $0.localByteCount <= tuning.winogradByteCount } ?? units[3]
  }

  /// Blocks of 16 that divide all channels and filters.
  private init(_ sizes: ConvolutionSizes, atMost limit: Int, _ tuning: Tuning) {
    func unit(of channels: Int) -> Int {
      16 * ((1...limit / 16).last { channels / 16 % $0 == 0 } ?? 1)
    }
    channels = unit(of: sizes.channels)
    filters = unit(of: sizes.filters)
    lanes = tuning.width(.float32)
  }

  var localByteCount: Int {
    [channels, filters].map { WinogradSizes.byteCount(channels: $0, lanes: lanes) }.reduce(0, +)
      + DType.float32.byteCount * WinogradSizes.places * channels * filters
  }

  /// A part ends with an inverse transform and is added up, which takes as long as some tiles, so that it
  /// has 64 or more.
  func launch(
    _ sizes: ConvolutionSizes, _ dtype: DType, _ tuning: Tuning, hasBias: Bool
  ) -> WeightGradientLaunch {
    let (down, across) = (sizes.channels / channels, sizes.filters / filters)
    let side = WinogradSizes.side
    let tiles =
      sizes.images * quotientRoundedUp(sizes.height, side) * quotientRoundedUp(sizes.width, side)
    let parts = WinogradTiles(
      sizes, source: sizes.channels, result: sizes.filters, tuning,
      mostGroups: max(1, min(tuning.wantedItems / (down * across), tiles / 64)))
    return WeightGradientLaunch(
      variant: ProgramVariant(
        .winogradWeightGradient, storage: dtype,
        WinogradSizes.registerTile(columns: filters, lanes: lanes).merging(
          ["UNIT_CHANNELS": channels, "UNIT_FILTERS": filters]
        ) { $1 }),
      kernel: "convolution_winograd_weight_gradient", parts: parts.groups,
      lengthOfPart: parts.groupLines,
      groups: [across, down + (hasBias ? 1 : 0), parts.groups], local: [1, 1])
  }
}
