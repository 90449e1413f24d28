import Foundation
import IsometryCore
import IsometryTheory
import RealModule
import Testing

/// The law of plain networks with any slopes over its whole domain: it is finite everywhere, its
/// survival function falls from 1 to 0, and its density integrates to its mass.
@Suite struct SmoothSlopeSweepTests {
  static let activations: [Activation] = [
    .tanh, .erf, .unitErf, .sigmoid, .gelu, .silu, .elu(alpha: 1), .selu,
  ]

  @Test(arguments: WeightLaw.allCases)
  func cornersOfTheDomain(weights: WeightLaw) throws {
    for (activation, q, depth) in [
      (Activation.tanh, 1e-8, 1), (.tanh, 1e-8, 10_000), (.tanh, 0.05, 100), (.unitErf, 1e4, 2),
      (.erf, 1, 10), (.gelu, 1e-4, 100), (.silu, 100, 10), (.elu(alpha: 1), 1e4, 10_000),
      (.selu, 1, 3), (.sigmoid, 100, 10),
    ] {
      try check(activation, q, weights, depth)
    }
  }

  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] != nil),
    arguments: activations, WeightLaw.allCases)
  func wholeDomain(activation: Activation, weights: WeightLaw) throws {
    for q in [1e-8, 1e-4, 0.05, 1, 100, 1e4] {
      for depth in [1, 2, 10, 100, 10_000] { try check(activation, q, weights, depth) }
    }
  }

  private func check(
    _ activation: Activation, _ q: Double, _ weights: WeightLaw, _ depth: Int
  ) throws {
    let name = "\(activation.name), q = \(q), L = \(depth), \(weights)"
    let law = try SmoothSlopeLaw(
      ActivationFunction(activation), variance: q, weights: weights, depth: depth)
    let points = law.curve(count: 1600)
    let first = try #require(points.first)
    let last = try #require(points.last)
    let zero = law.atoms.filter { $0.lambda == 0 }.map(\.mass).reduce(0, +)
    let top = law.atoms.filter { $0.lambda > 0 }.map(\.mass).reduce(0, +)
    #expect(abs(law.survival(atLog: law.logSupport.lowerBound.nextDown) - (1 - zero)) < 1e-12)
    #expect(first.survival > 1 - zero - 2e-4, "\(name)")
    // Of one layer with orthogonal weights the upper edge is where the atom is.
    let isOneLayer = weights == .orthogonal && depth == 1
    #expect(abs(last.survival - (isOneLayer ? 0 : top)) < 1e-8, "\(name): \(last.survival)")
    // The square of a slope that falls and rises has poles inside of its law.
    if isOneLayer, [.gelu, .silu].contains(activation) { return }
    // So has the law where an atom of mass 1/2 has just vanished.
    if weights == .orthogonal, depth == 2, [.elu(alpha: 1), .selu].contains(activation) { return }
    var mass = 0.0
    for (low, high) in zip(points, points.dropFirst()) {
      #expect(low.logLambda <= high.logLambda, "\(name)")
      #expect(low.survival >= high.survival - 1e-11, "\(name)")
      let width = high.logLambda - low.logLambda
      guard width > 1e-13 * abs(low.logLambda) else {
        mass += low.survival - high.survival
        continue
      }
      // At both ends the density may have a square root or the inverse of one.
      mass += GaussLegendre.points16.integrate(from: 0, to: .pi / 2) { angle in
        let sine = Double.sin(angle)
        return 2 * width * sine * .cos(angle)
          * law.logDensity(atLog: low.logLambda + width * sine * sine)
      }
    }
    // Written so that NaN fails.
    #expect(abs(mass - (first.survival - top)) < 1e-8, "\(name): \(mass)")
  }
}
