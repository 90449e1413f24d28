import IsometryCore
import IsometryTheory
import RealModule
import Testing

@testable import IsometrySpectra

@Suite struct LawDistanceTests {
  /// Uniform on 0…1 in log λ, with a mass at λ = 0.
  private struct Uniform: SpectralLaw {
    var zero = 0.0
    let name = "uniform"
    var logSupport: ClosedRange<Double> { 0...1 }
    var atoms: [SpectralAtom] { zero > 0 ? [SpectralAtom(lambda: 0, mass: zero)] : [] }
    func logDensity(atLog t: Double) -> Double { (0...1).contains(t) ? 1 - zero : 0 }
    func survival(atLog t: Double) -> Double { (1 - zero) * (1 - min(1, max(0, t))) }
    func curve(count: Int) -> [SpectralPoint] {
      (0..<count).map {
        let t = Double($0) / Double(count - 1)
        return SpectralPoint(logLambda: t, logDensity: 1 - zero, survival: survival(atLog: t))
      }
    }
  }

  private func spectrum(logs: [Double], zeros: Int = 0, resolution: Double = 0) -> Spectrum {
    let values =
      logs.sorted(by: >).map { Double.exp($0 / 2) } + [Double](repeating: 0, count: zeros)
    return Spectrum(
      method: .decomposition, count: values.count, values: values, resolution: resolution)
  }

  @Test func middlesOfEqualSharesAreHalfAShareAway() {
    let logs = (0..<10).map { (Double($0) + 0.5) / 10 }
    #expect(abs(LawDistance.between([spectrum(logs: logs)], and: Uniform()) - 0.05) < 1e-9)
    // Two halves of the sample in two spectra are the same sample.
    let halves = [spectrum(logs: Array(logs.prefix(5))), spectrum(logs: Array(logs.suffix(5)))]
    #expect(abs(LawDistance.between(halves, and: Uniform()) - 0.05) < 1e-9)
    #expect(abs(LawDistance.between([spectrum(logs: [0.9])], and: Uniform()) - 0.9) < 1e-9)
  }

  @Test func zerosCompareAsMass() {
    let logs = (0..<8).map { (Double($0) + 0.5) / 8 }
    let exact = spectrum(logs: logs, zeros: 2)
    #expect(abs(LawDistance.between([exact], and: Uniform(zero: 0.2)) - 0.05) < 1e-9)
    // The first value that is not zero lies at 1/16.
    #expect(abs(LawDistance.between([exact], and: Uniform()) - (0.3 - 1.0 / 16)) < 1e-9)
  }

  @Test func roundingDoesNotDecideTheSideOfAJump() {
    let law = IsometryLaw(retained: 0.5)
    let measured = Spectrum(
      method: .decomposition, count: 4, values: [1.00001, 0.99998, 3e-6, 1e-6], resolution: 1e-4)
    #expect(measured.zeroFraction == 0.5)
    #expect(LawDistance.between([measured], and: law) < 1e-12)
    let wrong = Spectrum(
      method: .decomposition, count: 4, values: [1.01, 0.99998, 3e-6, 1e-6], resolution: 1e-4)
    #expect(abs(LawDistance.between([wrong], and: law) - 0.25) < 1e-12)
    let full = Spectrum(
      method: .decomposition, count: 2, values: [1, 1], resolution: 1e-4)
    #expect(abs(LawDistance.between([full], and: law) - 0.5) < 1e-12)
  }

  /// Two starts of a quadrature, each with a node at the law's 1 and one at 0.
  @Test(arguments: [(0.99998, 0.0), (1.01, 0.5)])
  func nodesAtAnAtomAreAJump(node: Double, expected: Double) {
    let measured = Spectrum(
      method: .lanczos, count: 4, values: [max(node, 1.00001), min(node, 1.00001), 3e-6, 1e-6],
      weights: [0.25, 0.25, 0.25, 0.25], probes: [0, 1, 0, 1], resolution: 1e-4)
    #expect(
      abs(LawDistance.between([measured], and: IsometryLaw(retained: 0.5)) - expected) < 1e-9)
  }

  @Test func aLawIsSummarizedAsASpectrumIs() throws {
    let uniform = LawSummary(Uniform(zero: 0.25))
    #expect(uniform.zeroFraction == 0.25)
    #expect(abs(uniform.logMean - 0.5) < 1e-6)
    #expect(abs(uniform.logVariance - 1.0 / 12) < 1e-6)
    #expect(abs(uniform.mean - 0.75 * (Double.exp(1) - 1)) < 1e-6)
    #expect(abs(uniform.smallest - 1) < 1e-12 && abs(uniform.largest - .exp(1)) < 1e-12)
    let upper = LawSummary(Uniform(zero: 0.25), resolution: Double.exp(0.25))
    #expect(abs(upper.zeroFraction - 0.625) < 1e-12)
    #expect(abs(upper.logMean - 0.75) < 1e-3)
    // Gaussian weights, or slopes without a lower bound: the least λ is no number.
    for (activation, weights) in [
      (Activation.tanh, WeightLaw.gaussian), (.gelu, .orthogonal), (.relu, .gaussian),
    ] {
      let law = try ActivationFunction(activation).plainNetworkLaw(
        variance: 0.1, weights: weights, depth: 5)
      #expect(LawSummary(law).smallest == 0)
    }
    let isometry = LawSummary(IsometryLaw(retained: 0.5))
    #expect(isometry.mean == 0.5 && isometry.logVariance == 0 && isometry.largest == 1)
  }

  @Test func aSummaryKeepsTheDigitsOfFlatSpectra() throws {
    let logs = [50.0, 50 + 1e-6, 50 + 2e-6]
    let summary = SpectrumSummary([spectrum(logs: logs), spectrum(logs: logs)])
    #expect(summary.matrices == 2 && summary.count == 3)
    let mean = try #require(summary.logMean)
    let variance = try #require(summary.logVariance)
    #expect(abs(mean - logs[1]) < 1e-12)
    #expect(abs(3 * variance / 2e-12 - 1) < 1e-3)
    let dark = SpectrumSummary([Spectrum(method: .gram, count: 2, values: [0, 0], resolution: 0)])
    #expect(dark.zeroFraction == 1 && dark.smallest == nil && dark.logMean == nil)
  }
}
