#if OpenCL
  import IsometryCore
  import IsometryGraph

  extension Lowering {
    /// Whether a convolution and its gradients are computed by Winograd's algorithm.
    func usesWinograd(_ sizes: ConvolutionSizes, _ dtype: DType) -> Bool {
      sizes.suitsWinograd && dtype.accumulator == .float32
        && WinogradTiles.localByteCount(sizes, tuning) <= tuning.winogradByteCount
    }

    /// Launches a convolution by Winograd's algorithm; false where that is not for it.
    mutating func lowerByWinograd(
      _ node: Node, _ sizes: ConvolutionSizes, _ epilogue: Epilogue
    ) -> Bool {
      let type = graph.type(of: node.results[0])
      guard usesWinograd(sizes, type.dtype) else { return false }
      let isNormalized = isNormalized(node.results[0])
      let tiles = WinogradTiles(
        sizes, source: sizes.channels, result: sizes.filters, tuning,
        mostGroups: isNormalized ? RowBlocks(type, tuning).mostSpans : nil)
      let x = operand(node.inputs[0], .channelsLast)
      let w = winogradWeights(node.inputs[1], type.dtype, turned: false)
      let bias = epilogue.hasBias ? operand(node.inputs[2]) : w
      let residual = epilogue.hasResidual ? operand(node.inputs.last!, .channelsLast) : x
      var variant = ProgramVariant(.winogradConvolution, storage: type.dtype, tiles.defines)
        .adding(epilogue.defines)
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
      launch(
        "convolution \(sizes) \(type.dtype.rawValue)", variant, "convolution_winograd_forward",
        arguments, groups: [1, tiles.groups], local: [1, 1])
      return true
    }

    /// Launches an input gradient by Winograd's algorithm; false where that is not for it.
    mutating func lowerByWinograd(
      _ node: Node, _ sizes: ConvolutionSizes, slope: SlopeEpilogue?, result: Value
    ) -> Bool {
      let type = graph.type(of: result)
      guard usesWinograd(sizes, type.dtype) else { return false }
      let tiles = WinogradTiles(sizes, source: sizes.filters, result: sizes.channels, tuning)
      let variant = ProgramVariant(.winogradConvolution, storage: type.dtype, tiles.defines)
      let dy = operand(node.inputs[0], .channelsLast)
      let addend = slope?.addend.map { operand($0, .channelsLast) }
      let reference = slope.map { operand($0.reference, .channelsLast) }
      launchWithPartialSums(
        "convolutionInputGradient \(sizes) \(type.dtype.rawValue)",
        slope.map { variant.adding($0.defines) } ?? variant,
        "convolution_winograd_input_gradient",
        [
          .storage(dy), .storage(winogradWeights(node.inputs[1], type.dtype, turned: true)),
          .storage(addend ?? dy), .storage(reference ?? dy),
          .storage(makeResult(result, .channelsLast)),
        ] + tiles.arguments,
        groups: [1, tiles.groups], local: [1, 1], isSharing: true)
      return true
    }

    /// The weight gradient's launch by Winograd's algorithm; nil where that is not for it.
    func winogradLaunch(
      _ sizes: ConvolutionSizes, _ dtype: DType, hasBias: Bool
    ) -> WeightGradientLaunch? {
      guard usesWinograd(sizes, dtype) else { return nil }
      return WinogradTiles(weightGradientOf: sizes, tuning)
        .weightGradient(sizes, dtype, hasBias: hasBias)
    }
  }

  /// How Winograd's algorithm divides images among groups, which are one item each, and its products among
  /// registers (kernels/convolution/winograd.cl).
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

    /// Rows and columns of a tile, and the numbers that its transform makes of a channel.
    private static let side = 4
    private static let places = 36
    /// Tiles that are in local memory at a time.
    private static let tilesAtOnce = 16
    /// Channels or filters of a weight gradient whose sums are in local memory at a time: with as many
    /// of both they fill half a mebibyte.
    private static let unit = 64

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
      let across = quotientRoundedUp(sizes.width, Self.side)
      let isWhole = sizes.height % Self.side == 0
      let unitLines = isWhole ? Self.side : sizes.height
      let unitTiles = isWhole ? across : across * quotientRoundedUp(sizes.height, Self.side)
      // Whole batches of tiles, of which each asks for the next from memory, but enough groups for all of a
      // device's processors.
      let full = quotientRoundedUp(Self.tilesAtOnce, unitTiles)
      let most = mostGroups ?? 2 * tuning.wantedItems
      let units = quotientRoundedUp(lines / unitLines, most)
      groupLines = quotientRoundedUp(units, full) * full * unitLines
    }

    /// A part ends with an inverse transform and is added up, which takes as long as some tiles, so that it
    /// has 64 or more.
    init(weightGradientOf sizes: ConvolutionSizes, _ tuning: Tuning) {
      let units =
        sizes.channels / Self.unit(of: sizes.channels)
        * (sizes.filters / Self.unit(of: sizes.filters))
      let tiles =
        sizes.images * quotientRoundedUp(sizes.height, Self.side)
        * quotientRoundedUp(sizes.width, Self.side)
      self.init(
        sizes, source: sizes.channels, result: sizes.filters, tuning,
        mostGroups: max(1, min(tuning.wantedItems / units, tiles / (4 * Self.tilesAtOnce))))
    }

    var groups: Int { quotientRoundedUp(lines, groupLines) }

    var arguments: [Argument] { [images, height, width, groupLines].map { .integer($0) } }

    var defines: [String: Int] {
      registerTile(columns: result).merging(
        ["SOURCE_CHANNELS": source, "RESULT_CHANNELS": result]
      ) { $1 }
    }

    /// A tile with as many sums as half the registers of a CPU that has 32.
    private func registerTile(columns: Int) -> [String: Int] {
      let vectors = largestPowerOfTwo(dividing: columns / lanes, atMost: 2)
      return [
        "WIDTH": lanes, "TILES": Self.tilesAtOnce, "TILE_ROWS": Self.tilesAtOnce / vectors,
        "TILE_VECTORS": vectors,
      ]
    }

    func weightGradient(
      _ sizes: ConvolutionSizes, _ dtype: DType, hasBias: Bool
    ) -> WeightGradientLaunch {
      let (channels, filters) = (Self.unit(of: sizes.channels), Self.unit(of: sizes.filters))
      return WeightGradientLaunch(
        variant: ProgramVariant(
          .winogradWeightGradient, storage: dtype,
          registerTile(columns: filters).merging(
            ["UNIT_CHANNELS": channels, "UNIT_FILTERS": filters]
          ) { $1 }),
        kernel: "convolution_winograd_weight_gradient", parts: groups, lengthOfPart: groupLines,
        groups: [
          sizes.filters / filters, sizes.channels / channels + (hasBias ? 1 : 0), groups,
        ], local: [1, 1])
    }

    /// The most channels that a unit may have, in blocks of 16 that divide all of them.
    private static func unit(of channels: Int) -> Int {
      let blocks = channels / 16
      return 16 * ((1...unit / 16).last { blocks % $0 == 0 } ?? 1)
    }

    /// What the kernels of a convolution and its gradients take of local memory, at the most.
    static func localByteCount(_ sizes: ConvolutionSizes, _ tuning: Tuning) -> Int {
      func tiles(_ channels: Int) -> Int { tilesAtOnce * channels + tuning.width(.float32) }
      let (channels, filters) = (unit(of: sizes.channels), unit(of: sizes.filters))
      return DType.float32.byteCount * places
        * max(
          tiles(sizes.channels) + tiles(sizes.filters),
          tiles(channels) + tiles(filters) + channels * filters)
    }
  }
#endif
