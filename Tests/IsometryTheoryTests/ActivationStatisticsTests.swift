import Foundation
import IsometryCore
import IsometryTheory
import Testing

@Suite struct ActivationStatisticsTests {
  private struct Reference: Decodable {
    struct Entry: Decodable {
      let activation: String
      let variance: Double
      let parameter: Double?
      let moments: [Double]
    }
    let entries: [Entry]
  }

  private func activation(_ entry: Reference.Entry) throws -> ActivationFunction {
    ActivationFunction(
      try #require(Activation(named: entry.activation, parameter: entry.parameter)))
  }

  @Test func momentsAgreeWith34Digits() throws {
    for entry in try Fixture.load("gaussian_moments", as: Reference.self).entries {
      let moments = try activation(entry).moments(variance: entry.variance)
      let comment = "\(entry.activation) \(entry.parameter ?? 0) at \(entry.variance):"
      let expected = entry.moments
      // SELU's mean passes through zero at q = 1, where only the absolute error means anything.
      let mean = 1e-15 * expected[1].squareRoot()
      expectClose(moments.mean, expected[0], relative: 1e-12, absolute: mean, comment + " mean")
      expectClose(moments.meanSquare, expected[1], relative: 1e-12, comment + " mean square")
      expectClose(moments.slopeSquare, expected[2], relative: 1e-12, comment + " slope square")
      expectClose(moments.slopeFourth, expected[3], relative: 1e-12, comment + " slope fourth")
    }
  }

  /// The same functions, given as a user would give them.
  @Test(arguments: Activation.allNamed)
  func aUsersOwnActivationIsIntegrated(_ activation: Activation) throws {
    let builtIn = ActivationFunction(activation)
    let own = ActivationFunction(
      name: "own", kinks: builtIn.kinks.reversed(), value: builtIn.value, slope: builtIn.slope)
    for variance in [1e-3, 0.05, 1, 7, 300] {
      let expected = try builtIn.moments(variance: variance)
      let moments = try own.moments(variance: variance)
      let comment = "\(activation.name) at \(variance)"
      let scale = 1e-13 * expected.meanSquare.squareRoot()
      expectClose(moments.mean, expected.mean, relative: 1e-12, absolute: scale, comment)
      expectClose(moments.meanSquare, expected.meanSquare, relative: 1e-12, comment)
      expectClose(moments.slopeSquare, expected.slopeSquare, relative: 1e-12, comment)
      expectClose(moments.slopeFourth, expected.slopeFourth, relative: 1e-12, comment)
    }
  }

  @Test(arguments: Activation.allNamed)
  func anyPositiveVarianceHasMoments(_ activation: Activation) throws {
    let function = ActivationFunction(activation)
    for exponent in stride(from: -30.0, through: 12, by: 0.5) {
      let moments = try function.moments(variance: pow(10, exponent))
      #expect(moments.mean.isFinite && moments.meanSquare > 0)
      #expect(moments.slopeSquare > 0 && moments.slopeFourth > 0)
      // Cauchy and Schwarz.
      #expect(moments.mean * moments.mean <= moments.meanSquare * (1 + 1e-12))
      let slopes = moments.slopeSquare * moments.slopeSquare
      #expect(slopes <= moments.slopeFourth * (1 + 1e-12))
    }
  }

  @Test(arguments: [0, -1, .infinity, .nan])
  func otherVariancesAreRefused(_ variance: Double) {
    #expect(throws: TheoryError.self) {
      try ActivationFunction(.tanh).moments(variance: variance)
    }
  }

  @Test func anActivationWithoutMomentsIsRefused() {
    let function = ActivationFunction(
      name: "inverse", value: { 1 / ($0 - $0) }, slope: { _ in .infinity })
    #expect(throws: TheoryError.self) { try function.moments(variance: 1) }
  }
}
