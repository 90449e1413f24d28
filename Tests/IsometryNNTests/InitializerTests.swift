import IsometryCore
import IsometryGraph
import IsometryReference
import Testing

@testable import IsometryNN

@Suite struct InitializerTests {
  /// A normalized network with every kind of parameter, and room for statistics.
  static let layout = residualLayout(.batch)

  static func residualLayout(_ normalization: NormalizationKind) -> NetworkLayout {
    ResidualNetwork(
      widths: [32, 64], depths: [2, 1], skip: .convolution, normalization: normalization,
      traits: .multiplied
    ).layout
  }

  static func draw(_ text: String, _ layout: NetworkLayout = layout, seed: UInt64 = 7) throws
    -> [String: [Double]]
  {
    try InitializerRegistry.make(text).values(for: layout, seed: seed)
  }

  /// A registered initializer, resolved, and a network that it is for: the first of several kinds that
  /// it does not refuse.
  struct Registered {
    let initializer: any Initializer
    let layout: NetworkLayout
    /// Whether the weights are those of one seed, for which they were measured.
    let isMeasured: Bool

    init(_ name: String) throws {
      let initializer = try InitializerRegistry.make(name)
      func residual(_ normalization: NormalizationKind) -> any Network {
        ResidualNetwork(
          widths: [8, 16], depths: [2, 1], skip: .convolution, normalization: normalization,
          traits: initializer.blockTraits, imageShape: [3, 4, 4])
      }
      let networks: [any Network] =
        initializer.blockTraits == BlockTraits()
        ? [
          residual(.batch), residual(.none),
          UniformResidualNetwork(.dense, depth: 3, width: 8, imageShape: [3, 4, 4]),
          MultilayerPerceptron(depth: 3, width: 8, activation: .tanh, imageShape: [3, 4, 4]),
        ]
        : [
          residual(.batch), residual(.none),
          SpeedrunNetwork(widths: [8], hasFixedStem: true, imageShape: [3, 4, 4]),
        ]
      let network = try #require(
        networks.first { (try? initializer.check($0.layout)) != nil }, "no network for \(name)")
      layout = network.layout
      isMeasured = initializer.imagesNeeded > 0
      guard initializer.imagesNeeded > 0 else {
        self.initializer = initializer
        return
      }
      let shape = network.batchShape(initializer.imagesNeeded)
      self.initializer = try initializer.resolved(
        for: network, seed: 7,
        images: HostTensor(shape, RandomStream.image(shape.elementCount, seed: 5)),
        on: ReferenceBackend<Float>())
    }

    func draw(seed: UInt64 = 7) throws -> [String: [Double]] {
      try initializer.values(for: layout, seed: seed)
    }
  }

  /// What a specification's entries should be.
  struct Law: Sendable {
    enum Denominator: Sendable { case fanIn, fanOut, sum }
    let text: String
    let denominator: Denominator
    let isUniform: Bool
    var numerator = 2.0
    var normalization = NormalizationKind.batch

    func variance(_ parameter: Parameter) -> Double {
      switch denominator {
      case .fanIn: numerator / Double(parameter.fanIn)
      case .fanOut: numerator / Double(parameter.fanOut)
      case .sum: numerator / Double(parameter.fanIn + parameter.fanOut)
      }
    }

    /// Of the fourth moment to the squared second.
    var kurtosis: Double { isUniform ? 1.8 : 3 }

    static let all = [
      Law(text: "he", denominator: .fanIn, isUniform: false),
      Law(text: "he:fan=out", denominator: .fanOut, isUniform: false),
      Law(text: "he:distribution=uniform,fan=in", denominator: .fanIn, isUniform: true),
      Law(text: "glorot", denominator: .sum, isUniform: true),
      Law(text: "glorot:distribution=normal", denominator: .sum, isUniform: false),
      Law(text: "lecun", denominator: .fanIn, isUniform: false, numerator: 1),
      Law(text: "lecun:distribution=uniform", denominator: .fanIn, isUniform: true, numerator: 1),
      Law(text: "rezero", denominator: .fanIn, isUniform: false),
      Law(text: "zero-gamma", denominator: .fanIn, isUniform: false),
      Law(text: "skipinit", denominator: .fanIn, isUniform: false, normalization: .none),
      Law(text: "norm-preserving", denominator: .fanIn, isUniform: false, normalization: .none),
    ]
  }

  @Test(arguments: Law.all)
  func independentEntriesHaveTheirVariance(law: Law) throws {
    let layout = Self.residualLayout(law.normalization)
    let values = try Self.draw(law.text, layout)
    for parameter in layout.parameters where parameter.role.isWeight {
      let elements = try #require(values[parameter.name])
      let count = Double(elements.count)
      let variance = law.variance(parameter)
      let mean = elements.reduce(0, +) / count
      let square = elements.reduce(0) { $0 + $1 * $1 } / count
      let fourth = elements.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
      // Four standard errors each; the square's is √(kurtosis − 1) relative, and the fourth moment's
      // √96 of a normal law.
      let squareError = ((law.kurtosis - 1) / count).squareRoot()
      #expect(abs(mean) < 4 * (variance / count).squareRoot(), "\(parameter.name)")
      #expect(abs(square / variance - 1) < 4 * squareError, "\(parameter.name)")
      let kurtosis = fourth / (variance * variance)
      #expect(abs(kurtosis - law.kurtosis) < 4 * (96 / count).squareRoot(), "\(parameter.name)")
      if law.isUniform {
        let bound = (3 * variance).squareRoot()
        #expect(elements.allSatisfy { abs($0) <= bound })
      }
    }
  }

  /// What initializers draw besides weights; of all others they leave the neutral values.
  static let drawnRoles: [String: Parameter.Role] = [
    "skipinit": .branchMultiplier, "rezero": .branchMultiplier, "zero-gamma": .normalizationScale,
    "critical": .bias,
  ]

  @Test(arguments: InitializerRegistry.names)
  func parametersThatAreNoWeightsAreNeutral(name: String) throws {
    let subject = try Registered(name)
    let values = try subject.draw()
    #expect(Set(values.keys) == Set(subject.layout.parameters.map(\.name)))
    for parameter in subject.layout.parameters {
      let elements = try #require(values[parameter.name])
      #expect(elements.count == parameter.shape.elementCount)
      if let neutral = parameter.role.neutralValue, parameter.role != Self.drawnRoles[name] {
        #expect(elements.allSatisfy { $0 == neutral }, "\(parameter.name)")
      }
    }
  }

  @Test(arguments: InitializerRegistry.names)
  func theSeedDecidesEverything(name: String) throws {
    let subject = try Registered(name)
    let first = try subject.draw()
    #expect(try Registered(name).draw() == first)
    let other = try subject.isMeasured ? [:] : subject.draw(seed: 8)
    var draws: [Shape: [[Double]]] = [:]
    for parameter in subject.layout.parameters where parameter.role.isWeight {
      let elements = try #require(first[parameter.name])
      // Layers that start at 0 are the same always. Type C blocks have no other fixed weights.
      if elements.allSatisfy({ $0 == 0 }) { continue }
      draws[parameter.shape, default: []].append(elements)
      #expect(other[parameter.name] != elements, "\(parameter.name)")
    }
    // Two parameters of one shape are different draws.
    for group in draws.values { #expect(Set(group).count == group.count) }
  }

  /// Standardization replaces means and norms of weights.
  @Test(arguments: InitializerRegistry.names)
  func someInitializersSuitStandardizedWeights(name: String) throws {
    let initializer = try InitializerRegistry.make(name)
    let layout = ResidualNetwork(
      widths: [8, 16], depths: [2, 1], skip: .convolution, normalization: .weight,
      traits: initializer.blockTraits, imageShape: [3, 4, 4]
    ).layout
    guard ["he", "lecun", "glorot", "orthogonal", "rezero", "skipinit"].contains(name) else {
      #expect(throws: InitializationError.self) { try initializer.check(layout) }
      return
    }
    let values = try initializer.values(for: layout, seed: 1)
    #expect(values["stem.gain"] == [Double](repeating: 1, count: 8))
    #expect(values["head.gain"] == nil)
  }

  @Test func aParameterDoesNotDependOnTheRestOfTheNetwork() throws {
    let deeper = ResidualNetwork(widths: [32, 64], depths: [3, 2], normalization: .none).layout
    let values = try Self.draw("orthogonal", deeper)
    #expect(try Self.draw("orthogonal")["body.0.conv1.weight"] == values["body.0.conv1.weight"])
  }

  @Test func orthogonalWeightsAreOrthonormalTimesTheGain() throws {
    let values = try Self.draw("orthogonal")
    for parameter in Self.layout.parameters where parameter.role.isWeight {
      let matrix = try Matrix(
        rows: parameter.shape[0], columns: parameter.fanIn, #require(values[parameter.name]))
      let gain = parameter.role == .denseWeight ? 1 : Double(2).squareRoot()
      #expect(matrix.distanceFromOrthonormal(gain: gain) < 1e-12, "\(parameter.name)")
    }
    let other = try Self.draw("orthogonal:gain=0.5")
    let stem = try Matrix(rows: 32, columns: 27, #require(other["stem.weight"]))
    #expect(stem.distanceFromOrthonormal(gain: 0.5) < 1e-12)
  }

  /// The trace of a Haar matrix of size n has variance 1 and any entry variance 1/n; without the
  /// signs of the triangular factor the diagonal would be biased.
  @Test func orthogonalMatricesAreHaar() throws {
    let network = MultilayerPerceptron(
      depth: 2, width: 12, activation: .tanh, imageShape: [1, 3, 4], classes: 12)
    var traces: [Double] = []
    var corners: [Double] = []
    for seed in 0..<2000 {
      let values = try Self.draw("orthogonal", network.layout, seed: UInt64(seed))
      let matrix = try Matrix(rows: 12, columns: 12, #require(values["layers.1.weight"]))
      traces.append((0..<12).map { matrix[$0, $0] }.reduce(0, +))
      corners.append(matrix[0, 0])
    }
    let count = Double(traces.count)
    #expect(abs(traces.reduce(0, +) / count) < 4 / count.squareRoot())
    #expect(abs(traces.map { $0 * $0 }.reduce(0, +) / count - 1) < 4 * (2 / count).squareRoot())
    #expect(abs(corners.reduce(0, +) / count) < 4 * (1 / (12 * count)).squareRoot())
  }

  /// Sides that LAPACK treats in blocks and those that it does not.
  @Test(arguments: [(1, 1), (5, 1), (1, 5), (33, 32), (40, 130), (130, 129), (300, 300)])
  func haarMatricesAreOrthonormal(rows: Int, columns: Int) {
    var random = RandomStream(seed: 4)
    let matrix = random.haarMatrix(rows: rows, columns: columns)
    #expect(matrix.rows == rows && matrix.columns == columns)
    #expect(
      Matrix(rows: rows, columns: columns, matrix.elements).distanceFromOrthonormal(gain: 1)
        < 1e-14)
  }

  /// Rows that were orthonormal are so among the directions that a basis lacks.
  @Test(arguments: [(1, 2), (3, 20), (19, 20)])
  func aComplementIsOrthogonalToItsBasis(dimensions: Int, whole: Int) {
    var random = RandomStream(seed: 9)
    let basis = random.haarMatrix(rows: whole, columns: dimensions)
    let rest = random.haarMatrix(rows: 4, columns: whole - dimensions).onComplement(of: basis)
    #expect(rest.rows == 4 && rest.columns == whole)
    let kept = min(4, whole - dimensions)
    let gram = rest * rest.transposed
    #expect(abs((0..<4).map { gram[$0, $0] }.reduce(0, +) - Double(kept)) < 1e-13)
    #expect((rest * basis).elements.allSatisfy { abs($0) < 1e-14 })
  }

  @Test func deltaOrthogonalKernelsAreTheirCenter() throws {
    let bottleneck = ResidualNetwork(
      widths: [8, 16], depths: [1, 1], block: .bottleneck(expansion: 4), normalization: .none
    ).layout
    for layout in [Self.layout, bottleneck] {
      let values = try Self.draw("delta-orthogonal", layout)
      for parameter in layout.parameters where parameter.role == .convolutionWeight {
        let elements = try #require(values[parameter.name])
        let kernel = Kernel(parameter.shape, elements)
        #expect(kernel.isDelta, "\(parameter.name)")
        #expect(
          kernel.center.distanceFromOrthonormal(gain: Double(2).squareRoot()) < 1e-12,
          "\(parameter.name)")
      }
    }
  }

  @Test func streamsAreNamedByAStableHash() {
    // The published test vector of FNV-1a, and a name of ours.
    #expect(StableHash.fnv1a("") == 0xCBF2_9CE4_8422_2325)
    #expect(StableHash.fnv1a("foobar") == 0x8594_4171_F739_67E8)
  }
}
