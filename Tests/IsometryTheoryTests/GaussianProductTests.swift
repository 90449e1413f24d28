import IsometryCore
import IsometryTheory
import RealModule
import Testing

@Suite struct GaussianProductTests {
  static let cases: [(variances: (Double, Double), cosine: Double)] = [
    ((1, 1), 0.3), ((0.2, 3), -0.6), ((2, 0.5), 0.95), ((1, 1), 0),
  ]

  @Test(arguments: cases.indices)
  func theErrorFunctionHasAClosedForm(index: Int) throws {
    let (variances, cosine) = Self.cases[index]
    let covariance = cosine * (variances.0 * variances.1).squareRoot()
    let found = try ActivationFunction(.erf).product(variances: variances, covariance: covariance)
    let norm = ((1 + 2 * variances.0) * (1 + 2 * variances.1)).squareRoot()
    #expect(abs(found - 2 / .pi * .asin(2 * covariance / norm)) < 1e-8)
  }

  /// With itself a pre-activation has the mean square; with an independent one the product of means.
  @Test(arguments: Activation.allNamed)
  func theEndsAreTheMoments(activation: Activation) throws {
    let function = ActivationFunction(activation)
    let moments = try function.moments(variance: 1.7)
    let same = try function.product(variances: (1.7, 1.7), covariance: 1.7)
    let independent = try function.product(variances: (1.7, 1.7), covariance: 0)
    #expect(abs(same - moments.meanSquare) < 2e-4 * moments.meanSquare)
    #expect(abs(independent - moments.mean * moments.mean) < 2e-4 * moments.meanSquare)
  }

  @Test func closedFormAndQuadratureAgreeForReLU() throws {
    let own = ActivationFunction(
      name: "own", kinks: [0], value: { max(0, $0) }, slope: { $0 > 0 ? 1 : 0 })
    for (variances, cosine) in Self.cases {
      let covariance = cosine * (variances.0 * variances.1).squareRoot()
      let closed = try ActivationFunction(.relu).product(
        variances: variances, covariance: covariance)
      let found = try own.product(variances: variances, covariance: covariance)
      #expect(abs(closed - found) < 1e-4)
    }
  }

  @Test func anEmptySignalIsRefused() {
    #expect(throws: TheoryError.self) {
      try ActivationFunction(.tanh).product(variances: (0, 1), covariance: 0)
    }
  }
}
