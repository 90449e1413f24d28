import Testing

@testable import IsometryTheory

@Suite struct NumericsTests {
  /// From mpmath 1.4.1 with 40 digits.
  @Test(arguments: [
    (0, 1), (1e-6, 0.99999887162183304), (0.3, 0.73459933456765515), (1, 0.42758357615580701),
    (3.7, 0.14743499753718507), (10, 0.056140992743822586), (19.99, 0.028188407919037514),
    (20.01, 0.028160303563002957), (1e4, 5.641895807268084e-05), (1e200, 5.6418958354775629e-201),
    (-1, 5.0089800807622835),
  ])
  func erfcx(_ x: Double, _ expected: Double) {
    expectClose(SpecialFunctions.erfcx(x), expected, relative: 2e-15, "erfcx(\(x))")
  }

  @Test func gaussLegendreIsExactForPolynomials() {
    for rule in [GaussLegendre.points16, .points32, .points64, GaussLegendre(count: 1)] {
      let degree = 2 * rule.nodes.count - 2
      let integral = rule.integrate(from: -1, to: 1) { x in
        (0..<degree).reduce(1) { power, _ in power * x }
      }
      expectClose(integral, 2 / Double(degree + 1), relative: 2e-14)
      #expect(rule.nodes == rule.nodes.sorted())
    }
  }

  @Test func rootsAreFoundToTheLastDigits() throws {
    let functions: [(ClosedRange<Double>, Double, (Double) -> Double)] = [
      (0...2, 2.0.squareRoot(), { $0 * $0 - 2 }),
      (-10...1, -1, { -1e-9 * (1 + $0 * $0 * $0) }),
      (0...1e300, 1e-5, { $0 - 1e-5 }),
      (0...4, 1, { $0 < 1 ? -1e-30 : 1e30 }),
      (-3...7, 0, { $0 * $0 * $0 }),
    ]
    for (bracket, root, function) in functions {
      let found = try #require(RootFinding.brent(in: bracket, function))
      expectClose(found, root, relative: 4e-15, absolute: 1e-15)
    }
    #expect(RootFinding.brent(in: 0...1) { $0 + 1 } == nil)
    #expect(RootFinding.brent(in: 0...1) { _ in .nan } == nil)
  }
}
