import Foundation
import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import TestSupport
import Testing

@Suite struct JacobianOperatorTests {
  /// A network of each form, small.
  static let networks: [any Network] = [
    MultilayerPerceptron(depth: 3, width: 7, activation: .gelu, imageShape: [2, 3, 3], classes: 4),
    MultilayerPerceptron(
      depth: 2, width: 5, activation: .tanh, normalization: .batch, imageShape: [1, 3, 3],
      classes: 4),
    UniformResidualNetwork(
      .dense, depth: 3, width: 6, skipWeight: 0.9, activation: .silu, traits: .multiplied,
      imageShape: [2, 3, 3], classes: 4),
    ResidualNetwork(
      widths: [4, 6], depths: [1, 1], activation: .softplus, normalization: .batch,
      imageShape: [3, 6, 6], classes: 4),
    ResidualNetwork(
      widths: [4], depths: [1], block: .bottleneck(expansion: 2), skip: .convolution,
      activation: .relu, normalization: .none, imageShape: [3, 5, 5], classes: 4),
  ]

  static let sections = JacobianSection.Start.allCases.flatMap { start in
    JacobianSection.End.allCases.map { JacobianSection(from: start, to: $0) }
  }

  static func makeOperator(
    _ network: any Network, _ section: JacobianSection, precision: Precision, batch: Int? = nil,
    on backend: any Backend
  ) throws -> JacobianOperator {
    let jacobian = try JacobianOperator(
      of: network, section, precision: precision, batch: batch, on: backend)
    try jacobian.writeInitialState(initializer: InitializerRegistry.make("he"), seed: 5)
    return jacobian
  }

  @Test(arguments: networks.indices, sections)
  func productsAreThoseOfCentralDifferences(index: Int, section: JacobianSection) throws {
    let network = Self.networks[index]
    guard section.start == .input else { return }
    let jacobian = try Self.makeOperator(
      network, section, precision: .fp64, on: ReferenceBackend<Double>())
    var random = RandomStream(seed: 3)
    let image = random.normals(jacobian.inputCount)
    let direction = random.normals(jacobian.inputCount)
    let step = 1e-6
    func moved(_ distance: Double) throws -> [Double] {
      try jacobian.move(to: zip(image, direction).map { $0 + distance * $1 })
    }
    let differences = zip(try moved(step), try moved(-step)).map { ($0 - $1) / (2 * step) }
    try jacobian.move(to: image)
    let products = try jacobian.forward(direction)
    #expect(Self.distance(products, differences) < 1e-6 * Self.norm(products))
  }

  @Test(arguments: networks.indices, sections)
  func columnsAndRowsAreOneMatrix(index: Int, section: JacobianSection) throws {
    let network = Self.networks[index]
    // A batch that neither divides nor exceeds the vectors.
    let jacobian = try Self.makeOperator(
      network, section, precision: .fp64, batch: 5, on: ReferenceBackend<Double>())
    var random = RandomStream(seed: 4)
    try jacobian.move(to: random.normals(network.imageShape.elementCount))
    let (n, m) = (jacobian.inputCount, jacobian.outputCount)
    let columns = try jacobian.forward(Self.identity(n))
    let rows = try jacobian.reverse(Self.identity(m))
    #expect(Self.norm(rows) > 0)
    for i in 0..<m {
      for j in 0..<n { #expect(abs(columns[j * m + i] - rows[i * n + j]) < 1e-12) }
    }
  }

  /// The matrix that one graph gives in which the network runs once for every vector.
  @Test(arguments: networks.indices)
  func productsAreThoseOfOneGraph(index: Int) throws {
    let network = Self.networks[index]
    let backend = ReferenceBackend<Double>()
    let jacobian = try Self.makeOperator(
      network, JacobianSection(), precision: .fp64, on: backend)
    var random = RandomStream(seed: 4)
    let image = random.normals(jacobian.inputCount)
    try jacobian.move(to: image)
    let columns = try jacobian.forward(Self.identity(jacobian.inputCount))
    let explicit = try Jacobian(
      of: network, at: image, initializer: InitializerRegistry.make("he"), seed: 5,
      precision: .float64, on: BackendUnderTest(backend: backend, isFusing: false))
    for row in 0..<explicit.rows {
      for column in 0..<explicit.columns {
        #expect(abs(columns[column * explicit.rows + row] - explicit[row, column]) < 1e-12)
      }
    }
    let values = try jacobian.denseSpectrum().values
    #expect(zip(values, explicit.singularValues).allSatisfy { abs($0 - $1) < 1e-10 })
  }

  /// The sections of a network are factors of each other.
  @Test func fromTheInputIsFromTheStackAfterTheFirstLayer() throws {
    let network = Self.networks[2]
    func matrix(_ section: JacobianSection) throws -> (JacobianOperator, [Double]) {
      let jacobian = try Self.makeOperator(
        network, section, precision: .fp64, on: ReferenceBackend<Double>())
      var random = RandomStream(seed: 4)
      try jacobian.move(to: random.normals(network.imageShape.elementCount))
      return (jacobian, try jacobian.forward(Self.identity(jacobian.inputCount)))
    }
    let (whole, columns) = try matrix(JacobianSection(from: .input))
    let stem = try whole.evaluation.read(variable: "stem.weight")  // [width, inputs]
    let (stack, _) = try matrix(JacobianSection(from: .stack))
    let inputs = whole.inputCount
    let vectors = (0..<inputs).flatMap { column in
      (0..<stack.inputCount).map { stem.doubles[$0 * inputs + column] }
    }
    #expect(Self.distance(try stack.forward(vectors), columns) < 1e-12 * Self.norm(columns))
  }

  @Test(arguments: networks.indices, BackendUnderTest.backends.indices)
  func theTransposeIsAdjoint(index: Int, backend: Int) throws {
    let backend = BackendUnderTest.backends[backend]
    for section in Self.sections {
      let jacobian = try Self.makeOperator(
        Self.networks[index], section, precision: .fp32, batch: 3, on: backend)
      var random = RandomStream(seed: 8)
      try jacobian.move(to: random.normals(Self.networks[index].imageShape.elementCount))
      let right = random.normals(4 * jacobian.inputCount)
      let left = random.normals(4 * jacobian.outputCount)
      let pushed = try jacobian.forward(right)
      let pulled = try jacobian.reverse(left)
      for row in 0..<4 {
        let (a, b) = (
          Self.dot(left, pushed, row, jacobian.outputCount),
          Self.dot(pulled, right, row, jacobian.inputCount)
        )
        let scale = Self.norm(left) * Self.norm(pushed)
        #expect(abs(a - b) < 1e-5 * scale, "\(backend.name) \(section)")
      }
    }
  }

  @Test(arguments: BackendUnderTest.backends.indices)
  func everyBackendHasTheReferencesProducts(backend: Int) throws {
    let backend = BackendUnderTest.backends[backend]
    for network in Self.networks {
      func products(_ precision: Precision, _ backend: any Backend) throws -> [Double] {
        let jacobian = try Self.makeOperator(
          network, JacobianSection(), precision: precision, on: backend)
        var random = RandomStream(seed: 9)
        try jacobian.move(to: random.normals(network.imageShape.elementCount))
        return try jacobian.forward(random.normals(3 * jacobian.inputCount))
      }
      let exact = try products(.fp64, ReferenceBackend<Double>())
      let found = try products(.fp32, backend)
      #expect(Self.distance(found, exact) < 1e-5 * Self.norm(exact), "\(backend.name)")
    }
  }

  /// By hand: means and unbiased variances of a perceptron's pre-activations over a batch, the second
  /// layer's behind the first one's normalization, which divides by the biased one.
  @Test func statisticsAreThoseOfTheBatch() throws {
    let network = MultilayerPerceptron(
      depth: 2, width: 4, activation: .tanh, normalization: .batch, imageShape: [1, 2, 3])
    let jacobian = try JacobianOperator(
      of: network, precision: .fp64, on: ReferenceBackend<Double>())
    try jacobian.writeInitialState(initializer: InitializerRegistry.make("lecun"), seed: 3)
    var rows = (0..<5).map { index in
      var random = RandomStream(seed: 10, stream: UInt64(index))
      return random.normals(6)
    }
    try jacobian.measureStatistics(of: rows)
    for layer in 0..<2 {
      func read(_ name: String) throws -> [Double] {
        try jacobian.evaluation.read(variable: name).doubles
      }
      let weight = try read("layers.\(layer).weight")
      let (means, variances) = try (
        read("norms.\(layer).running_mean"), read("norms.\(layer).running_var")
      )
      var next = rows.map { _ in [Double]() }
      for unit in 0..<4 {
        let values = rows.map { row in
          zip(row, weight[unit * row.count..<(unit + 1) * row.count]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let mean = values.reduce(0, +) / 5
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        #expect(abs(means[unit] - mean) < 1e-12 && abs(variances[unit] / (squares / 4) - 1) < 1e-12)
        let deviation = (squares / 5 + NormalizationSettings().epsilon).squareRoot()
        for (index, value) in values.enumerated() {
          next[index].append(tanh((value - mean) / deviation))
        }
      }
      rows = next
    }
  }

  @Test func aSectionWithoutLayersIsRefused() throws {
    let network = MultilayerPerceptron(depth: 1, width: 4, imageShape: [1, 2, 2], classes: 2)
    #expect(throws: SpectrumError.self) {
      try JacobianOperator(
        of: network, JacobianSection(from: .stack), on: ReferenceBackend<Float>())
    }
  }

  static func identity(_ size: Int) -> [Double] {
    (0..<size * size).map { $0 % (size + 1) == 0 ? 1 : 0 }
  }

  static func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  static func distance(_ x: [Double], _ y: [Double]) -> Double { norm(zip(x, y).map { $0 - $1 }) }

  static func dot(_ x: [Double], _ y: [Double], _ row: Int, _ width: Int) -> Double {
    (row * width..<(row + 1) * width).reduce(0) { $0 + x[$1] * y[$1] }
  }
}
