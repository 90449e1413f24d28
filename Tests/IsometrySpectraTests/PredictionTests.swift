import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import IsometryTheory
import TestSupport
import Testing

/// Networks of the package beside the laws, at a width that plain loops take quickly; the bound is
/// 3/N + 0.3/L.
@Suite struct PredictionTests {
  static let width = 200
  static let depth = 12
  static let bound = 3.0 / 200 + 0.3 / 12
  static let fullSizeBound = 3.0 / 400 + 0.3 / 20

  static func study(
    _ network: any Network, _ initializer: String, from start: JacobianSection.Start = .stack,
    inputs: Int = 1, seeds: [UInt64] = [2], method: SpectrumMethod = .auto,
    on backend: any Backend = BackendUnderTest.backends[1]
  ) throws -> SpectrumStudy.Result {
    let images = (0..<inputs).map { index in
      var random = RandomStream(seed: 6, stream: UInt64(index))
      return random.normals(network.imageShape.elementCount)
    }
    var study = SpectrumStudy(
      network: network, section: JacobianSection(from: start), precision: .fp32, images: images)
    study.method = method
    return try study.run(
      initializer: InitializerRegistry.make(initializer), seeds: seeds, on: backend)
  }

  /// Orthogonal weights of a gain g are as good as independent ones: each branch has s = g²·E φ′².
  @Test(arguments: [Activation.linear, .relu, .tanh, .gelu])
  func residualNetworksFollowTheUniversalLaw(activation: Activation) throws {
    let network = UniformResidualNetwork(
      .dense, depth: Self.depth, width: Self.width, activation: activation, imageShape: [3, 16, 16])
    let result = try Self.study(network, "orthogonal:gain=0.2")
    #expect(result.prediction.law?.name == "universal")
    #expect(try #require(result.distance) < Self.bound, "\(result.prediction.parameters)")
  }

  /// Few strong branches have another law, which the basis says.
  @Test func strongBranchesAreSaid() throws {
    let network = UniformResidualNetwork(
      .dense, depth: 6, width: 40, activation: .relu, imageShape: [3, 4, 4])
    let strong = try Self.study(network, "he").prediction
    #expect(strong.law != nil && strong.basis.description.contains("many weak branches"))
    let weak = try Self.study(network, "universal:c=0.1").prediction
    #expect(weak.law != nil && !weak.basis.description.contains("many weak branches"))
  }

  @Test(arguments: [Activation.relu, .sigmoid, .silu])
  func calibratedNetworksHaveTheCumulantAskedFor(activation: Activation) throws {
    let network = UniformResidualNetwork(
      .dense, depth: Self.depth, width: Self.width, activation: activation, imageShape: [3, 16, 16])
    let result = try Self.study(network, "universal:c=0.5")
    let cumulant = try #require(result.prediction.parameters.first { $0.name == "c" })
    #expect(abs(cumulant.value - 0.5) < 0.025)
    #expect(try #require(result.distance) < Self.bound)
  }

  /// At the size of the paper's networks.
  @Test(arguments: Activation.allNamed)
  func everyActivationFollowsTheLawAtFullSize(activation: Activation) throws {
    let network = UniformResidualNetwork(.dense, depth: 20, width: 400, activation: activation)
    let result = try Self.study(network, "universal:c=0.5")
    #expect(try #require(result.distance) < Self.fullSizeBound)
  }

  /// Zero padding weakens the branches at the border, which the measured c contains.
  @Test(arguments: [SpectrumMethod.dense, .lanczos])
  func residualConvolutionsFollowTheUniversalLaw(method: SpectrumMethod) throws {
    let network = UniformResidualNetwork(
      .convolution, depth: 20, width: 16, activation: .relu, imageShape: [3, 8, 8])
    let result = try Self.study(network, "universal:c=0.5", method: method)
    #expect(result.summary.count == 1024)
    #expect(try #require(result.distance) < 0.04, "\(result.prediction.parameters)")
    // What the padding loses, a factor of 0.84 here, is made good.
    let cumulant = try #require(result.prediction.parameters.first { $0.name == "c" })
    #expect(abs(cumulant.value / 0.5 - 1) < 0.04)
  }

  @Test func aSkipWeightScalesTheLaw() throws {
    let network = UniformResidualNetwork(
      .dense, depth: Self.depth, width: Self.width, skipWeight: 0.9, activation: .tanh,
      imageShape: [3, 16, 16])
    let result = try Self.study(network, "orthogonal:gain=0.2")
    #expect(try #require(result.distance) < Self.bound)
    #expect(abs(try #require(result.summary.logMean) - 24 * Double(-0.10536)) < 0.05)
  }

  /// The stem's rows are orthonormal times its gain, so the law holds from the input too.
  @Test func anOrthogonalStemOnlyScales() throws {
    let network = UniformResidualNetwork(
      .dense, depth: Self.depth, width: Self.width, activation: .tanh, imageShape: [3, 16, 16])
    let result = try Self.study(network, "orthogonal:gain=0.2", from: .input)
    #expect(try #require(result.distance) < Self.bound)
    let gaussian = try Self.study(network, "he", from: .input)
    #expect(
      gaussian.prediction.law == nil
        && gaussian.prediction.basis.description.contains("section start stack"))
  }

  @Test(arguments: ["he", "orthogonal"], [Activation.relu, .linear])
  func plainNetworksFollowTheirLaws(initializer: String, activation: Activation) throws {
    let network = MultilayerPerceptron(
      depth: Self.depth + 1, width: Self.width, activation: activation, imageShape: [3, 16, 16])
    let result = try Self.study(network, initializer)
    #expect(result.prediction.law?.name == (initializer == "he" ? "gaussian" : "orthogonal"))
    #expect(try #require(result.distance) < Self.bound, "\(result.prediction.parameters)")
  }

  /// On the critical line, exact for smooth slopes too.
  @Test(
    arguments: ["orthogonal", "gaussian"],
    [Activation.hardTanh, .tanh, .unitErf])
  func criticalNetworksFollowTheirLaws(weights: String, activation: Activation) throws {
    let network = MultilayerPerceptron(
      depth: Self.depth + 1, width: Self.width, activation: activation, imageShape: [3, 16, 16])
    let result = try Self.study(network, "critical:q=0.1,weights=\(weights)")
    #expect(result.prediction.law?.name == weights)
    #expect(try #require(result.distance) < Self.bound, "\(result.prediction.parameters)")
  }

  /// At the size of the paper's networks.
  @Test(arguments: ["orthogonal", "gaussian"], [Activation.relu, .tanh, .hardTanh])
  func plainNetworksFollowTheirLawsAtFullSize(weights: String, activation: Activation) throws {
    let network = MultilayerPerceptron(depth: 20, width: 400, activation: activation)
    let initializer =
      activation == .relu
      ? (weights == "gaussian" ? "he" : "orthogonal") : "critical:q=0.1,weights=\(weights)"
    let result = try Self.study(network, initializer)
    #expect(result.prediction.law?.name == weights)
    #expect(
      try #require(result.distance) < Self.fullSizeBound, "\(result.prediction.parameters)")
  }

  /// Each seed's weights have a c of their own: the law beside them all is the mixture of their laws.
  @Test func severalSeedsHaveTheMixtureOfTheirLaws() throws {
    let network = UniformResidualNetwork(
      .dense, depth: 3, width: 12, activation: .tanh, imageShape: [3, 4, 4])
    let seeds: [UInt64] = [1, 2, 3]
    let result = try Self.study(network, "universal:c=0.5", seeds: seeds)
    let single = try seeds.map { try Self.study(network, "universal:c=0.5", seeds: [$0]) }
    let laws = try single.map { try #require($0.prediction.law) }
    let mixture = try #require(result.prediction.law)
    for t in [-2.5, -1, 0, 0.3, 2] {
      let survival = laws.reduce(0) { $0 + $1.survival(atLog: t) } / 3
      #expect(abs(mixture.survival(atLog: t) - survival) < 1e-14)
    }
    let cumulants = single.compactMap { $0.prediction.parameters.first?.value }
    #expect(Set(cumulants).count == 3)
    let mean = try #require(result.prediction.parameters.first?.value)
    #expect(abs(mean - cumulants.reduce(0, +) / 3) < 1e-14)
    #expect(mixture.curve(count: 100).count == 100)
  }

  @Test func severalInputsAndSeedsAreAveraged() throws {
    let network = UniformResidualNetwork(
      .dense, depth: 4, width: 30, activation: .tanh, imageShape: [3, 4, 4])
    let result = try Self.study(network, "orthogonal:gain=0.3", inputs: 3, seeds: [1, 2])
    #expect(result.spectra.count == 6 && Set(result.spectra.map(\.values)).count == 6)
    #expect(result.summary.count == 30 && result.summary.matrices == 6)
    let single = try Self.study(network, "orthogonal:gain=0.3", inputs: 1, seeds: [1])
    #expect(single.spectra[0] == result.spectra[0])
  }

  @Test func losslessStridesKeepWhatFits() throws {
    let network = ResidualNetwork(
      widths: [16, 32], depths: [1, 1], normalization: .none,
      traits: try InitializerRegistry.make("risotto-lossless").blockTraits, imageShape: [3, 8, 8])
    let result = try Self.study(network, "risotto-lossless", from: .input)
    // 3 channels of 2×2 pixels are 12, of which 16 can be carried: nothing is lost.
    #expect(result.summary.zeroFraction == 0)
    #expect(try #require(result.distance) < 1e-9)
  }

  @Test(arguments: [
    ("batch", "Batch Normalization"), ("relu", "plain sums"),
    ("looks-linear", "section start input"),
  ])
  func whereNoLawIsKnownAReasonIsGiven(what: String, reason: String) throws {
    let network: any Network =
      switch what {
      case "batch":
        UniformResidualNetwork(
          .dense, depth: 2, width: 8, normalization: .batch, imageShape: [1, 4, 4])
      case "relu":
        ResidualNetwork(widths: [4], depths: [1], normalization: .none, imageShape: [1, 4, 4])
      default: MultilayerPerceptron(depth: 2, width: 8, imageShape: [1, 4, 4])
      }
    let result = try Self.study(
      network, what == "looks-linear" ? what : "he", on: ReferenceBackend<Float>())
    #expect(result.prediction.law == nil && result.distance == nil)
    #expect(result.prediction.basis.description.contains(reason), "\(result.prediction.basis)")
  }
}
