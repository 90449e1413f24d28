import ComplexModule
import Foundation
import IsometryCore
import RealModule
import Testing

@testable import IsometryTheory

@Suite struct UniversalLawTests {
  /// Over the whole range that the law is asked for, some of it dense.
  static let cumulants: [Double] = [
    1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.0625, 0.125, 0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 10,
    15, 20, 25, 30, 40, 50,
  ]

  // MARK: docs/theory.md's tables

  @Test(arguments: [
    // c, λ_min, λ_max, f_t(0), m_2, Var log λ
    [0.0625, 0.49126452, 2.03556324, 0.89565394, 1.27479201, 0.12630208],
    [0.125, 0.36410204, 2.74648284, 0.63006377, 1.60503177, 0.25520833],
    [0.25, 0.23618328, 4.23400003, 0.44099177, 2.47308191, 0.52083333],
    [0.5, 0.12487305, 8.00813291, 0.30563761, 5.43656366, 1.08333333],
    [1, 0.04740589, 21.09442325, 0.20794268, 22.16716830, 2.33333333],
    [2, 0.01014094, 98.61015999, 0.13692634, 272.99075017, 5.33333333],
    [4, 0.00075303, 1327.97586394, 0.08569491, 26828.62188338, 13.33333333],
  ])
  func edgesPeakAndMoments(_ row: [Double]) throws {
    let law = try UniversalLaw(cumulant: row[0])
    expectClose(law.smallestLambda, row[1], relative: 0, absolute: 5e-9)
    expectClose(law.largestLambda, row[2], relative: 0, absolute: 5e-9)
    expectClose(law.largestLambda.squareRoot(), row[2].squareRoot(), relative: 1e-8)
    expectClose(law.logDensity(atLog: 0), row[3], relative: 0, absolute: 5e-9)
    expectClose(try law.moment(2), row[4], relative: 0, absolute: 5e-9)
    expectClose(law.logVariance, row[5], relative: 0, absolute: 5e-9)
    expectClose(law.relativeVariance, try law.moment(2) / exp(2 * row[0]) - 1, relative: 1e-11)
    expectClose(try law.moment(1), exp(row[0]), relative: 1e-14)
    expectClose(
      try law.moment(3), exp(3 * row[0]) * (1 + 6 * row[0] + 6 * row[0] * row[0]), relative: 1e-13)
  }

  @Test(arguments: [
    // c, t, f_t, CDF
    [0.5, 0, 0.3056376112, 0.5], [0.5, 0.5, 0.2967635782, 0.6513488583],
    [0.5, 1, 0.2683146201, 0.7935291085], [0.5, 2, 0.0845330139, 0.9954473672],
    [1, 0, 0.2079426772, 0.5], [1, 0.5, 0.2052232468, 0.6035194862],
    [1, 1, 0.1968033745, 0.7042765293], [1, 2, 0.1580722456, 0.8846227302],
  ])
  func densityAndDistribution(_ row: [Double]) throws {
    let law = try UniversalLaw(cumulant: row[0])
    expectClose(law.logDensity(atLog: row[1]), row[2], relative: 0, absolute: 5e-11)
    expectClose(law.logDensity(atLog: -row[1]), row[2], relative: 0, absolute: 5e-11)
    expectClose(1 - law.survival(atLog: row[1]), row[3], relative: 0, absolute: 5e-11)
    expectClose(law.survival(atLog: -row[1]), row[3], relative: 0, absolute: 5e-11)
  }

  @Test func meanSingularValuesAndResolvent() throws {
    for (c, mean) in [
      (0.125, 1.0322420622), (0.5, 1.1416652502), (1, 1.3213776761), (2, 1.8312249817),
    ] {
      let law = try UniversalLaw(cumulant: c)
      expectClose(law.meanSingularValue, mean, relative: 0, absolute: 5e-11)
    }
    let law = try UniversalLaw(cumulant: 0.5)
    let green = try law.resolvent(at: Complex(1, 0.1))
    expectClose(green.real, 0.4077487261, relative: 0, absolute: 5e-11)
    expectClose(green.imaginary, -0.9482709690, relative: 0, absolute: 5e-11)
    expectClose(law.density(at: 1.3), 0.2332470947, relative: 0, absolute: 5e-11)
    let wider = try UniversalLaw(cumulant: 1)
    expectClose(wider.density(at: 1.3), 0.1593831148, relative: 0, absolute: 5e-11)
  }

  // MARK: 40 digits

  private struct Reference: Decodable {
    struct Entry: Decodable {
      struct Point: Decodable {
        let log: Double
        let density: Double
      }
      let c: Double
      let logEdge: Double
      let points: [Point]
      let resolvents: [[Double]]
      let logMoments: [String: Double]
    }
    let entries: [Entry]
  }

  @Test func agreesWith40Digits() throws {
    for entry in try Fixture.load("universal_law", as: Reference.self).entries {
      let law = try UniversalLaw(cumulant: entry.c)
      let comment = "c = \(entry.c)"
      expectClose(law.logSupport.upperBound, entry.logEdge, relative: 1e-15, comment)
      for point in entry.points {
        // The rounding of t counts near the edge.
        let tolerance = 1e-13 / (1 - point.log / entry.logEdge) + 1e-13
        expectClose(
          law.logDensity(atLog: point.log), point.density, relative: tolerance,
          comment + " t = \(point.log)")
      }
      for numbers in entry.resolvents {
        let z = Complex(numbers[0], numbers[1])
        let expected = Complex(numbers[2], numbers[3])
        let error = try (law.resolvent(at: z) - expected).length
        #expect(error <= 1e-12 * expected.length, "\(comment) z = \(z)")
      }
      for (power, logMoment) in entry.logMoments {
        expectClose(
          try law.logMoment(try #require(Double(power))), logMoment, relative: 1e-14,
          absolute: 2e-15, comment + " s = \(power)")
      }
    }
  }

  // MARK: identities over the whole range

  /// ∫ f(t)·density(t) dt with the substitution that smooths the edges' roots.
  private func integral(_ law: UniversalLaw, _ function: (Double) -> Double) -> Double {
    let ends = (0...32).map { Double.pi * (Double($0) / 32 - 0.5) }
    return GaussLegendre.points32.integrate(over: ends) { angle in
      let t = law.logEdge * .sin(angle)
      return law.logEdge * .cos(angle) * law.logDensity(atLog: t) * function(t)
    }
  }

  @Test(arguments: cumulants) func densityHasMassOneAndTheMoments(_ c: Double) throws {
    let law = try UniversalLaw(cumulant: c)
    expectClose(integral(law) { _ in 1 }, 1, relative: 1e-11, "mass")
    expectClose(integral(law) { $0 }, 0, relative: 0, absolute: 1e-11, "mean log")
    expectClose(integral(law) { $0 * $0 }, law.logVariance, relative: 1e-10, "log variance")
    for power in [-2, -0.5, 0.5, 1, 1.7, 3] {
      // Relative to the largest the integrand gets, as the moment itself may overflow.
      let logMoment = try law.logMoment(power)
      expectClose(integral(law) { exp(power * $0 - logMoment) }, 1, relative: 1e-10, "\(power)")
    }
  }

  @Test(arguments: cumulants + [1e-12, 300]) func distributionIsTheIntegral(_ c: Double) throws {
    let law = try UniversalLaw(cumulant: c)
    let edge = law.logEdge
    #expect(law.survival(atLog: 0) == 0.5 || abs(law.survival(atLog: 0) - 0.5) < 1e-14)
    #expect(law.survival(atLog: edge) < 1e-15 && law.survival(atLog: -edge) > 1 - 1e-15)
    #expect(law.survival(atLog: 2 * edge) == 0 && law.survival(atLog: -2 * edge) == 1)
    #expect(law.logDensity(atLog: 1.0001 * edge) == 0)
    // Between t and the edge with t = edge·cos(angle): both ends of the integrand are smooth.
    for share in [-0.99, -0.5, 0.1, 0.6, 0.9, 0.99, 0.9999] {
      let end = acos(share)
      let tail = GaussLegendre.points32.integrate(over: (0...24).map { end * Double($0) / 24 }) {
        edge * .sin($0) * law.logDensity(atLog: edge * .cos($0))
      }
      expectClose(law.survival(atLog: share * edge), tail, relative: 1e-10, "t = \(share)·edge")
    }
  }

  @Test(arguments: cumulants + [1e-12, 300]) func quantilesInvertTheDistribution(
    _ c: Double
  ) throws {
    let law = try UniversalLaw(cumulant: c)
    for probability in [1e-12, 1e-6, 0.001, 0.1, 0.3, 0.4999, 0.5, 0.6, 0.99, 0.999_999] {
      let t = try law.logQuantile(probability)
      expectClose(1 - law.survival(atLog: t), probability, relative: 0, absolute: 1e-13)
      if probability < 0.5 {
        expectClose(law.survival(atLog: -t), probability, relative: 1e-5, "\(probability)")
      }
    }
    #expect(try law.logQuantile(0) == law.logSupport.lowerBound)
    #expect(try law.logQuantile(1) == law.logSupport.upperBound)
  }

  @Test(arguments: cumulants + [1e-12, 300]) func theCurveIsTheLaw(_ c: Double) throws {
    let law = try UniversalLaw(cumulant: c)
    let curve = law.curve(count: 1000)
    #expect(curve.count == 1000)
    for (point, next) in zip(curve, curve.dropFirst()) {
      #expect(point.logLambda < next.logLambda)
      #expect(point.survival > next.survival || next.survival < 1e-8 || point.survival > 1 - 1e-8)
      #expect(point.logDensity >= 0 && next.survival >= 0)
    }
    for point in curve[10..<990] {
      expectClose(law.logDensity(atLog: point.logLambda), point.logDensity, relative: 1e-9)
      expectClose(
        law.survival(atLog: point.logLambda), point.survival, relative: 0, absolute: 1e-13)
    }
  }

  @Test(arguments: cumulants) func theResolventSolvesItsEquation(_ c: Double) throws {
    let law = try UniversalLaw(cumulant: c)
    for log in [-60, -9, -2, -0.3, 0, 1e-7, 0.5, 1.01, 3, 20, 80] {
      for angle in [1e-12, 1e-5, 0.1, 1, 2, 3, 3.141592, 3.14159265358] {
        let z = Complex(length: exp(log * (law.logEdge < 1 ? 1 : law.logEdge)), phase: angle)
        guard z.isFinite, z.length > 1e-200, z.length < 1e200 else { continue }
        let green = try law.resolvent(at: z)
        #expect(green.isFinite && green.imaginary < 1e-15 * green.length, "z = \(z)")
        // G(z̄) is the conjugate.
        #expect(try law.resolvent(at: z.conjugate) == green.conjugate)
        // The equation, for the smaller of |w| and |1 + w|.
        let isLarge = log >= 0
        let mirrored = isLarge ? z : 1 / z
        let w = isLarge ? z * green - 1 : -(z * green)
        guard w.length > 1e-3 else { continue }
        let value =
          Complex.log(1 + w) - Complex.log(w) + Complex(c) * (1 + 2 * w) - Complex.log(mirrored)
        #expect(value.length < 1e-12 * max(1, c) / min(1, w.length), "z = \(z): \(value.length)")
      }
    }
  }

  @Test(arguments: cumulants) func theResolventAgreesWithTheDensityAndTheMoments(
    _ c: Double
  ) throws {
    let law = try UniversalLaw(cumulant: c)
    for share in [-0.9, -0.3, 0, 0.2, 0.8] {
      let t = share * law.logEdge
      let above = try law.resolvent(at: Complex(exp(t), 0))
      expectClose(-above.imaginary * exp(t) / .pi, law.logDensity(atLog: t), relative: 1e-10)
      let near = try law.resolvent(at: Complex(length: exp(t), phase: 1e-9))
      expectClose(
        -near.imaginary * exp(t) / .pi, law.logDensity(atLog: t), relative: 1e-6, absolute: 1e-6)
    }
    // G(0) = −m₋₁; far away zG(z) − 1 = m₁/z.
    let small = Complex(exp(-law.logEdge - 40), 0)
    expectClose(try law.resolvent(at: small).real, -(try law.moment(-1)), relative: 1e-12)
    expectClose(try law.resolvent(at: -small).real, -(try law.moment(-1)), relative: 1e-12)
    let beyond = Complex(2 * law.largestLambda, 0)
    let integral = integral(law) { 1 / (beyond.real - exp($0)) }
    expectClose(try law.resolvent(at: beyond).real, integral, relative: 1e-10)
    let negative = self.integral(law) { 1 / (-1 - exp($0)) }
    expectClose(try law.resolvent(at: Complex(-1, 0)).real, negative, relative: 1e-10)
    #expect(try law.resolvent(at: Complex(-1, 0)).imaginary == 0)
  }

  // MARK: other parameters

  @Test func skipWeightsShiftAndScale() throws {
    let law = try UniversalLaw(cumulant: 0.5 * 0.97 * 0.97, skipWeight: 0.97, depth: 20)
    let plain = try UniversalLaw(cumulant: 0.5)
    let factor = Double.pow(0.97, 40)
    expectClose(law.largestLambda, factor * plain.largestLambda, relative: 1e-13)
    expectClose(law.density(at: factor), plain.density(at: 1) / factor, relative: 1e-12)
    expectClose(try law.moment(2), factor * factor * (try plain.moment(2)), relative: 1e-12)
    expectClose(try law.moment(-1), try plain.moment(1) / factor, relative: 1e-12)
    expectClose(try law.quantile(0.3), factor * (try plain.quantile(0.3)), relative: 1e-12)
    let z = Complex(0.3, 0.1)
    let scaled = try plain.resolvent(at: z / Complex(factor)) / Complex(factor)
    #expect(try (law.resolvent(at: z) - scaled).length < 1e-12 * scaled.length)
    #expect(try UniversalLaw(cumulant: 0.5, skipWeight: -1, depth: 3).logCenter == 0)
  }

  @Test func withoutBranchesTheLawIsOnePoint() throws {
    let law = try UniversalLaw(cumulant: 0, skipWeight: 0.9, depth: 3)
    #expect(law.atoms.count == 1 && law.atoms[0].mass == 1)
    expectClose(law.atoms[0].lambda, Double.pow(0.9, 6), relative: 1e-15)
    #expect(law.cumulative(at: law.atoms[0].lambda) == 1)
    #expect(law.cumulative(at: 0.999 * law.atoms[0].lambda) == 0)
    #expect(law.density(at: 0.5) == 0 && law.curve(count: 5).isEmpty)
    #expect(law.logSupport.lowerBound == law.logSupport.upperBound)
    expectClose(try law.moment(2), Double.pow(0.9, 12), relative: 1e-14)
    #expect(try law.quantile(0.2) == law.atoms[0].lambda && law.logVariance == 0)
    expectClose(
      try law.resolvent(at: Complex(2, 0)).real, 1 / (2 - law.atoms[0].lambda), relative: 1e-15)
  }

  @Test func quantilesOfUniformNumbersHaveTheLaw() throws {
    let law = try UniversalLaw(cumulant: 0.5)
    var random = RandomStream(seed: 7, stream: 3)
    let samples = try (0..<4000).map { _ in try law.quantile(random.uniform()) }.sorted()
    let distance = samples.enumerated().map { index, lambda in
      abs(law.cumulative(at: lambda) - (Double(index) + 0.5) / 4000)
    }.max()
    #expect(try #require(distance) < 1.95 / 4000.0.squareRoot())
  }

  @Test(arguments: [
    (-0.1, 1, 1), (.nan, 1, 1), (.infinity, 1, 1), (1e-13, 1, 1), (301, 1, 1), (0.5, 0, 1),
    (0.5, .nan, 1), (0.5, 1, 0), (0.5, 2, 10_000), (0.5, 0.5, 10_000), (1, 0.01, 1),
  ])
  func otherParametersAreRefused(_ c: Double, _ skipWeight: Double, _ depth: Int) {
    #expect(throws: TheoryError.self) {
      try UniversalLaw(cumulant: c, skipWeight: skipWeight, depth: depth)
    }
  }

  @Test func otherArgumentsAreRefused() throws {
    let law = try UniversalLaw(cumulant: 0.5)
    for probability in [-0.1, 1.1, .nan] {
      #expect(throws: TheoryError.self) { try law.quantile(probability) }
    }
    for z in [Complex(0), Complex(.infinity, 0), Complex(.nan, 1)] {
      #expect(throws: TheoryError.self) { try law.resolvent(at: z) }
    }
    for power in [.nan, .infinity, 1e5] {
      #expect(throws: TheoryError.self) { try law.moment(power) }
    }
    #expect(law.density(at: 0) == 0 && law.density(at: -1) == 0)
    #expect(law.density(at: .infinity) == 0 && law.cumulative(at: .infinity) == 1)
  }
}
