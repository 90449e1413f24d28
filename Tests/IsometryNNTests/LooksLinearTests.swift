import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import RealModule
import TestSupport
import Testing

@Suite struct LooksLinearTests {
  private let exact = BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false)

  private func jacobian(
    of network: some Network, _ text: String = "looks-linear", imageSeed: UInt64 = 1,
    value: (NetworkValues) -> Value = { $0.features }
  ) throws -> Jacobian {
    let initializer = try InitializerRegistry.make(text)
    try initializer.check(network.layout)
    return try Jacobian(
      of: network,
      at: RandomStream.image(network.imageShape.elementCount, seed: imageSeed),
      initializer: initializer, seed: 4, precision: .float64, on: exact, value: value)
  }

  /// Theory: with orthogonal half matrices and widths that do not shrink every singular value is
  /// exactly 1 at any depth, and the same at every input.
  @Test func fiftyOrthogonalLayersAreAnIsometry() throws {
    let network = MultilayerPerceptron(depth: 50, width: 128, imageShape: [3, 4, 5])
    let values = try jacobian(of: network).singularValues
    #expect(values.count == 60)
    #expect(values.allSatisfy { abs($0 - 1) < 1e-12 })
    let others = try jacobian(of: network, imageSeed: 2).singularValues
    #expect(others.allSatisfy { abs($0 - 1) < 1e-12 })
  }

  /// The map from the image to the logits is linear: one Jacobian for all inputs.
  @Test(arguments: ["looks-linear", "looks-linear:weights=gaussian"])
  func theLogitsAreALinearMap(text: String) throws {
    let networks: [any Network] = [
      MultilayerPerceptron(depth: 6, width: 32, imageShape: [3, 4, 5]),
      ResidualNetwork(
        widths: [8, 16], depths: [2, 1], skip: .convolution, normalization: .none,
        imageShape: [3, 6, 6]),
    ]
    for network in networks {
      let first = try jacobian(of: network, text, imageSeed: 1) { $0.logits }
      let second = try jacobian(of: network, text, imageSeed: 2) { $0.logits }
      #expect(first.elements.contains { abs($0) > 1e-3 })
      #expect(zip(first.elements, second.elements).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  /// Gaussian half matrices keep the mean square: E|x^L|² = |x^0|², with relative variance
  /// (1 + 4/N)^L − 1 for L hidden layers of N units.
  @Test func gaussianWeightsKeepTheMeanSquare() throws {
    let network = MultilayerPerceptron(depth: 6, width: 40, imageShape: [1, 3, 4])
    let layout = network.layout
    var ratios: [Double] = []
    for seed in 0..<2000 {
      let values = try InitializerRegistry.make("looks-linear:weights=gaussian").values(
        for: layout, seed: UInt64(seed))
      var random = RandomStream(seed: UInt64(seed), stream: 9)
      let x = Matrix(rows: 12, columns: 1, random.normals(12))
      var y = x
      for index in 0..<6 {
        let elements = try #require(values["layers.\(index).weight"])
        let product = Matrix(rows: 40, columns: y.rows, elements) * y
        y = Matrix(rows: 40, columns: 1, product.elements.map { max($0, 0) })
      }
      func square(_ matrix: Matrix) -> Double {
        matrix.elements.map { $0 * $0 }.reduce(0, +)
      }
      ratios.append(square(y) / square(x))
    }
    let count = Double(ratios.count)
    let mean = ratios.reduce(0, +) / count
    let variance = ratios.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / count
    let expected = Double.pow(1 + 4.0 / 40, 6) - 1
    #expect(abs(mean - 1) < 4 * (expected / count).squareRoot())
    #expect(abs(variance - expected) < 0.25 * expected)
  }

  @Test func conditionsAreExplained() throws {
    func reason(_ network: some Network) -> String? {
      do {
        try InitializerRegistry.make("looks-linear").check(network.layout)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      reason(MultilayerPerceptron(depth: 2, width: 8, activation: .tanh))?.contains("tanh") == true)
    #expect(reason(MultilayerPerceptron(depth: 2, width: 9))?.contains("even widths") == true)
    #expect(
      reason(UniformResidualNetwork(.dense, depth: 2, width: 8))?.contains("skip convolution")
        == true)
    #expect(
      reason(ResidualNetwork(widths: [8], depths: [1], normalization: .none))?
        .contains("block 0") == true)
  }
}
