import Foundation
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

  /// The relative variance of λ, by the recursion over layers and by the law's own moments.
  @Test(arguments: [0.1, 0.5])
  func theLevelIsReached(level: Double) throws {
    let initializer = try InitializerRegistry.make("critical:level=\(level)") as? Critical
    let point = try #require(try initializer?.point(for: layout()))
    #expect(abs(4 * point.relativeVariancePerLayer / level - 1) < 1e-9)
    let law = try ActivationFunction(.tanh).plainNetworkLaw(
      variance: point.variance, weights: .orthogonal, depth: 4, slope: 1)
    func moment(_ order: Double) -> Double {
      let points = law.curve(count: 4000)
      let atoms = law.atoms.reduce(0) { $0 + $1.mass * pow($1.lambda, order) }
      return zip(points, points.dropFirst()).reduce(atoms) { sum, pair in
        func term(_ point: SpectralPoint) -> Double {
          point.logDensity * exp(order * point.logLambda)
        }
        let width = pair.1.logLambda - pair.0.logLambda
        return sum + width * (term(pair.0) + term(pair.1)) / 2
      }
    }
    #expect(abs(moment(1) - 1) < 0.01)
    #expect(abs((moment(2) / (moment(1) * moment(1)) - 1) / level - 1) < 0.02)
  }

  /// L layers of Gaussian weights have a relative variance of L at least.
  @Test func gaussianWeightsHaveNoLevel() {
    let error = #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical:level=0.1,weights=gaussian")
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("weights=orthogonal"))
  }

  @Test func conditions() throws {
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical").check(layout(.softplus))
    }
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("critical")
        .check(UniformResidualNetwork(.dense, depth: 2, width: 10, imageShape: [1, 4, 4]).layout)
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
