import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import IsometryTheory
import TestSupport
import Testing

@Suite struct InspectionTests {
  static func inspect(
    _ network: any Network, _ initializer: String, images count: Int = 6, seed: UInt64 = 11,
    isCumulative: Bool = false, on backend: any Backend = ReferenceBackend<Double>(),
    precision: Precision = .fp64, method: SpectrumMethod = .auto
  ) throws -> NetworkInspection.Result {
    let images = (0..<count).map { index in
      var random = RandomStream(seed: 6, stream: UInt64(index))
      return random.normals(network.imageShape.elementCount)
    }
    var inspection = NetworkInspection(network: network, precision: precision, images: images)
    inspection.isCumulative = isCumulative
    inspection.method = method
    return try inspection.run(
      initializer: InitializerRegistry.make(initializer), seed: seed, on: backend)
  }

  private static func isNear(_ value: Double?, _ expected: Double?, within bound: Double) -> Bool {
    guard let value, let expected else { return false }
    return abs(value - expected) <= bound
  }

  // MARK: Isometries

  /// Every singular value of every block is 1 or 0, the zeros those that theory says; but for strides
  /// without loss, which are isometries on what reaches them alone.
  @Test(arguments: IsometryCase.all)
  func blocksOfRisottoAreIsometries(subject: IsometryCase) throws {
    let result = try Self.inspect(subject.network, subject.initializer, images: 2)
    #expect(result.segments.count == subject.network.depths.reduce(1, +))
    for segment in result.segments {
      let predicted = segment.prediction
      if let gain = predicted.gain {
        #expect(Self.isNear(segment.gain, gain, within: 1e-10), "\(segment)")
      }
      guard let zeros = predicted.zeroFraction else { continue }
      #expect(Self.isNear(segment.smallest, 1, within: 1e-10), "\(segment)")
      #expect(abs(segment.largest - 1) < 1e-10)
      #expect(abs(segment.zeroFraction - zeros) < 1e-12)
      #expect(Self.isNear(segment.meanSquare, predicted.meanSquare, within: 1e-10))
    }
    #expect(result.law.law?.name == "isometry")
    let count = min(result.whole.inputCount, result.whole.outputCount)
    let zeros = 1 - Double(subject.retained) / Double(count)
    #expect(abs(result.whole.zeroFraction - zeros) < 1e-12)
    // Exact but for strides that keep as much as fits: which directions those are is drawn.
    let isDrawn = subject.initializer.hasPrefix("risotto-lossless") && subject.retained < 192
    #expect(
      Self.isNear(
        result.whole.gain, result.whole.prediction.gain, within: isDrawn ? 0.1 : 1e-10),
      "\(result.whole)")
    #expect(Self.isNear(result.whole.cosineAfter, result.whole.prediction.cosine, within: 0.2))
  }

  @Test(arguments: IsometryCase.all)
  func fromTheImageOnEverySegmentOfRisottoIsAnIsometry(subject: IsometryCase) throws {
    let result = try Self.inspect(
      subject.network, subject.initializer, images: 2, isCumulative: true)
    for segment in result.segments {
      #expect(Self.isNear(segment.smallest, 1, within: 1e-10), "\(segment)")
      #expect(abs(segment.largest - 1) < 1e-10)
      #expect(Self.isNear(segment.zeroFraction, segment.prediction.zeroFraction, within: 1e-12))
    }
    let last = try #require(result.segments.last)
    let zeros = 1 - Double(subject.retained) / Double(min(192, last.outputCount))
    #expect(abs(last.zeroFraction - zeros) < 1e-12)
  }

  @Test func layersOfLooksLinearNetworksAreIsometries() throws {
    let network = MultilayerPerceptron(depth: 4, width: 60, imageShape: [2, 3, 3], classes: 4)
    let result = try Self.inspect(network, "looks-linear")
    for segment in result.segments {
      #expect(Self.isNear(segment.gain, 1, within: 1e-10))
      #expect(Self.isNear(segment.smallest, 1, within: 1e-10))
      #expect(abs(segment.largest - 1) < 1e-10)
      #expect(Self.isNear(segment.zeroFraction, segment.prediction.zeroFraction, within: 1e-12))
    }
    #expect(Self.isNear(result.whole.prediction.gain, 1, within: 1e-10))
    #expect(
      Self.isNear(result.whole.cosineAfter, result.whole.prediction.cosine, within: 0.15))
  }

  /// A branch that starts at 0 leaves its block the identity, on what is not negative.
  @Test(arguments: ["rezero", "skipinit", "fixup", "zero-gamma"])
  func blocksOfZeroBranchesAreTheirSkips(initializer: String) throws {
    let traits = try InitializerRegistry.make(initializer).blockTraits
    let network = ResidualNetwork(
      widths: [8], depths: [3], normalization: initializer == "zero-gamma" ? .batch : .none,
      traits: traits, imageShape: [3, 6, 6])
    let result = try Self.inspect(network, initializer)
    for segment in result.segments.dropFirst() {
      // fp64 variables hold He's weights; the frozen normalization divides by √(1 + 1e-5) beside a 0.
      #expect(Self.isNear(segment.gain, 1, within: 1e-12) && segment.prediction.gain == 1)
      #expect(abs(segment.largest - 1) < 1e-12 && segment.prediction.largest == 1)
      #expect(Self.isNear(segment.smallest, 1, within: 1e-12))
      #expect(segment.zeroFraction == 0)
      #expect(Self.isNear(segment.cosineAfter, segment.prediction.cosine, within: 1e-12))
      #expect(segment.cosineAfter == segment.cosineBefore)
    }
  }

  /// Batch Normalization has the statistics of a batch and not those of a network without it: it
  /// rescales branch and skip each by its own.
  @Test(arguments: SkipKind.allCases)
  func risottoBesideBatchNormalizationIsNoIsometry(skip: SkipKind) throws {
    let network = ResidualNetwork(
      widths: [16], depths: [2], skip: skip, normalization: .batch,
      traits: try InitializerRegistry.make("risotto").blockTraits, imageShape: [3, 6, 6])
    let result = try Self.inspect(network, "risotto")
    #expect(result.whole.largest > 1.1 * (try #require(result.whole.smallest)), "\(result.whole)")
    for segment in result.segments { #expect(segment.prediction.gain == nil, "\(segment.name)") }
  }

  // MARK: Random weights

  /// Means over many units beside the theory of infinitely many.
  private static func expectNear(
    _ segments: some Sequence<NetworkInspection.Finding>, within bound: Double
  ) {
    for segment in segments {
      guard let gain = segment.prediction.gain, let square = segment.prediction.meanSquare else {
        Issue.record("theory says nothing of \(segment.name)")
        continue
      }
      #expect(isNear(segment.gain.map { $0 / gain }, 1, within: bound), "\(segment)")
      #expect(abs(segment.meanSquare / square - 1) < bound, "\(segment)")
      #expect(
        isNear(segment.cosineAfter, segment.prediction.cosine, within: bound / 2), "\(segment)")
    }
  }

  @Test(arguments: [
    (Activation.relu, "he"), (.relu, "orthogonal"), (.tanh, "critical:q=0.2"), (.gelu, "lecun"),
    (.selu, "lecun:distribution=uniform"),
  ])
  func layersOfPlainNetworksFollowTheMeanField(
    activation: Activation, initializer: String
  ) throws {
    let network = MultilayerPerceptron(
      depth: 4, width: 300, activation: activation, imageShape: [3, 10, 10])
    let result = try Self.inspect(network, initializer)
    #expect(result.segments.map(\.name) == ["layers.0", "layers.1", "layers.2", "layers.3"])
    Self.expectNear(result.segments, within: 0.2)
  }

  @Test(arguments: [
    (Activation.relu, "universal:c=0.5"), (.silu, "universal:c=1"), (.tanh, "orthogonal:gain=0.5"),
    (.sigmoid, "he"), (.softplus, "skipinit:alpha=0.3"),
  ])
  func blocksOfResidualPerceptronsFollowTheMeanField(
    activation: Activation, initializer: String
  ) throws {
    let network = UniformResidualNetwork(
      .dense, depth: 3, width: 300, activation: activation,
      traits: try InitializerRegistry.make(initializer).blockTraits, imageShape: [3, 10, 10])
    Self.expectNear(try Self.inspect(network, initializer).segments, within: 0.15)
  }

  /// Learned and plain skips, strides. All pixels share a convolution's weights, and after a rectifier
  /// they are alike, so that one network's gain is off by √(3/channels) or so whatever the size of its
  /// images: wide stages, tiny images, and the mean over many networks, whose standard error is 0.04
  /// at most.
  @Test(arguments: SkipKind.allCases, ["delta-orthogonal", "norm-preserving"])
  func blocksOfConvolutionsFollowTheMeanField(skip: SkipKind, initializer: String) throws {
    let network = ResidualNetwork(
      widths: [96, 144], depths: [2, 1], skip: skip, normalization: .none,
      traits: try InitializerRegistry.make(initializer).blockTraits, imageShape: [3, 2, 2])
    let results = try (1...24).map { seed in
      try Self.inspect(
        network, initializer, images: 8, seed: UInt64(seed), on: BackendUnderTest.backends[1],
        precision: .fp32, method: .dense)
    }
    for index in results[0].segments.indices {
      let name = results[0].segments[index].name
      func mean(_ value: (NetworkInspection.Finding) -> Double?) -> Double {
        results.reduce(0) { $0 + (value($1.segments[index]) ?? .nan) } / Double(results.count)
      }
      #expect(abs(mean { $0.gain } / mean { $0.prediction.gain } - 1) < 0.1, "\(name)")
      #expect(abs(mean { $0.meanSquare } / mean { $0.prediction.meanSquare } - 1) < 0.1, "\(name)")
      #expect(abs(mean { $0.cosineAfter } - mean { $0.prediction.cosine }) < 0.06, "\(name)")
    }
    // Of the whole network, whose gain is the product of the segments'.
    func mean(_ value: (NetworkInspection.Finding) -> Double?) -> Double {
      results.reduce(0) { $0 + (value($1.whole) ?? .nan) } / Double(results.count)
    }
    #expect(abs(mean { $0.gain } / mean { $0.prediction.gain } - 1) < 0.2)
    #expect(abs(mean { $0.cosineAfter } - mean { $0.prediction.cosine }) < 0.08)
  }

  // MARK: The whole network

  /// The segments' laws one after another are the recursion of the universal law's own signals.
  @Test(arguments: [Activation.relu, .tanh, .sigmoid, .silu])
  func theWholeOfUniversalNetworksFollowsTheirSignal(activation: Activation) throws {
    let network = UniformResidualNetwork(
      .dense, depth: 12, width: 200, activation: activation, imageShape: [3, 10, 10])
    let initializer = try #require(try InitializerRegistry.make("universal:c=0.5") as? Universal)
    let result = try Self.inspect(network, "universal:c=0.5")
    var model = ResidualModel(
      activation: ActivationFunction(activation), depth: 12, weightDeviation: 1)
    model.weightDeviation = try model.calibrated(to: initializer.level).weightDeviation
    let signal = try model.signal()
    let expected = try #require(signal.layers.last).meanSquare
    let predicted = try #require(result.whole.prediction.gain)
    // The stack's signals have the mean square 1 within what 200 units allow.
    #expect(abs(predicted / expected - 1) < 0.05, "\(predicted) beside \(expected)")
    #expect(Self.isNear(result.whole.gain.map { $0 / predicted }, 1, within: 0.25))
    #expect(Self.isNear(result.whole.cosineAfter, result.whole.prediction.cosine, within: 0.1))
  }

  /// Without a law of the spectrum there is one of signals all the same; from the image on it says of
  /// the last segment what it says of the whole.
  @Test(arguments: [SkipKind.identity, .convolution])
  func theWholeOfIndependentWeightsIsItsLastSegment(skip: SkipKind) throws {
    let network = ResidualNetwork(
      widths: [32, 48], depths: [2, 1], skip: skip, normalization: .none, imageShape: [3, 8, 8])
    let results = try [false, true].map {
      try Self.inspect(
        network, "he", images: 8, isCumulative: $0, on: BackendUnderTest.backends[1],
        precision: .fp32)
    }
    let whole = results[0].whole.prediction
    #expect(whole.gain != nil && whole.cosine != nil && whole.meanSquare == nil)
    let last = try #require(results[1].segments.last).prediction
    #expect(last.gain == whole.gain && last.cosine == whole.cosine)
  }

  /// A law that comes arbitrarily close to 0 tells no smallest singular value.
  @Test func noSmallestSingularValueIsTold() throws {
    let network = MultilayerPerceptron(
      depth: 4, width: 60, activation: .tanh, imageShape: [3, 4, 5])
    let result = try Self.inspect(network, "critical:q=0.1,weights=gaussian")
    #expect(result.law.law != nil && result.whole.prediction.largest != nil)
    #expect(result.whole.prediction.smallest == nil)
  }

  /// Behind a layer that gives 0 there is no gain, and theory says nothing.
  @Test func behindADeadLayerThereIsNoGain() throws {
    let network = MultilayerPerceptron(depth: 3, width: 8, imageShape: [1, 2, 2])
    var inspection = NetworkInspection(
      network: network, precision: .fp64, images: [[0, 0, 0, 0], [0, 0, 0, 0]])
    inspection.method = .dense
    let result = try inspection.run(
      initializer: InitializerRegistry.make("he"), seed: 1, on: ReferenceBackend<Double>())
    for finding in result.segments + [result.whole] {
      #expect(finding.gain == nil && finding.cosineAfter == nil && finding.prediction.gain == nil)
    }
  }

  @Test func aNetworkThatTheInitializerIsNotForIsRefused() throws {
    let network = ResidualNetwork(
      widths: [8], depths: [2], block: .bottleneck(expansion: 2), normalization: .none,
      imageShape: [3, 6, 6])
    #expect {
      try Self.inspect(network, "risotto")
    } throws: { error in
      "\(error)".contains("skip convolution") || "\(error)".contains("multipliers")
    }
  }

  @Test func signalsBeyondAllNumbersAreRefused() throws {
    let network = MultilayerPerceptron(depth: 40, width: 16, imageShape: [3, 2, 2])
    #expect(throws: SpectrumError.self) {
      try Self.inspect(
        network, "orthogonal:gain=1e5", on: BackendUnderTest.backends[1], precision: .fp32)
    }
  }
}
