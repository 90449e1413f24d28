import IsometryCore
import IsometryTheory
import Testing

@testable import IsometryNN

@Suite struct CriticalTests {
  private func layout(_ activation: Activation = .tanh) -> NetworkLayout {
    MultilayerPerceptron(depth: 4, width: 60, activation: activation, imageShape: [1, 8, 10]).layout
  }

  @Test(arguments: ["orthogonal", "gaussian"])
  func weightsHaveTheVariancesOfTheCriticalPoint(_ weights: String) throws {
    let initializer = try InitializerRegistry.make("critical:q=0.5,weights=\(weights)")
    let layout = layout()
    let point = try (initializer as? Critical)?.point(for: layout)
    let (weight, bias) = (try #require(point).weightVariance, try #require(point).biasVariance)
    let values = try initializer.values(for: layout, seed: 3)
    func meanSquare(_ name: String) throws -> Double {
      let elements = try #require(values[name])
      return elements.map { $0 * $0 }.reduce(0, +) / Double(elements.count)
    }
    let scale = try meanSquare("layers.2.weight") * 60 / weight
    #expect(abs(scale - 1) < (weights == "orthogonal" ? 1e-12 : 0.15))
    let first = try meanSquare("layers.0.weight") * 80 / (0.5 - bias)
    #expect(abs(first - 1) < (weights == "orthogonal" ? 1e-12 : 0.15))
    #expect(abs(try meanSquare("layers.1.bias") / bias - 1) < 0.7)
  }

  @Test func conditions() throws {
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical").check(layout(.softplus))
    }
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical")
        .check(ResidualPerceptron(depth: 2, width: 10, imageShape: [1, 4, 4]).layout)
    }
    #expect(throws: InitializationError.self) { try InitializerRegistry.make("critical:q=-1") }
    // One advice, and not another one beside it.
    let softplus = #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical:q=0.05").check(layout(.softplus))
    }
    #expect("\(softplus.map { "\($0)" } ?? "")".hasSuffix("at any q; take another activation"))
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical:q=1,level=1")
    }
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical:weights=uniform")
    }
    try InitializerRegistry.make("critical:level=0.1").check(layout())
  }
}
