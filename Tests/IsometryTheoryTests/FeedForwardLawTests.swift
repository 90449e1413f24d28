import IsometryTheory
import RealModule
import Testing

/// The laws of plain networks with slopes 0 and 1 (docs/theory.md, paper P).
@Suite struct FeedForwardLawTests {
  static let closedProbabilities = [
    1 - 1e-12, 1 - 1e-6, 0.9, 0.5, 0.1, 1e-3, 1e-4, 1e-8, 1e-12, 1e-20, 0,
  ]
  static let depths = [1, 2, 3, 20, 1000, 10_000]

  static func law(_ weights: String, _ closed: Double, _ depth: Int) throws -> any SpectralLaw {
    let probability = try OpenProbability(closed: closed)
    return weights == "orthogonal"
      ? try OrthogonalLaw(openProbability: probability, depth: depth)
      : try GaussianLaw(openProbability: probability, depth: depth)
  }

  @Test func largestEigenvalues() throws {
    let half = try OpenProbability(0.5)
    let most = try OpenProbability(0.9)
    let gauss: [(OpenProbability, Int, Double)] = [
      (half, 5, 27.2728), (half, 20, 108.75391511474298), (half, 100, 543.6609),
      (most, 5, 16.3104), (most, 30, 91.81781171747086), (most, 100, 303.2395),
    ]
    for (p, depth, value) in gauss {
      let law = try GaussianLaw(openProbability: p, depth: depth)
      #expect(abs(.exp(law.logLargest) / value - 1) < 4e-6)
    }
    let orthogonal: [(OpenProbability, Int, Double)] = [
      (half, 5, 12.2070), (half, 20, 53.00068653280889), (half, 100, 270.4679),
      (most, 5, 1.35634), (most, 30, 8.909497146602668), (most, 100, 30.05199),
    ]
    for (p, depth, value) in orthogonal {
      let law = try OrthogonalLaw(openProbability: p, depth: depth)
      #expect(abs(.exp(law.logSupport.upperBound) / value - 1) < 4e-6)
    }
    // Linear Gaussian: (L + 1)^{L+1}/Lᴸ; ten layers.
    let linear = try GaussianLaw(openProbability: OpenProbability(1), depth: 10)
    let largest: Double = .pow(11, 11) / .pow(10, 10)
    #expect(abs(Double.exp(linear.logLargest) / largest - 1) < 1e-13)
  }

  @Test func atomsAndMoments() throws {
    let p = try OpenProbability(0.99)
    let law = try OrthogonalLaw(openProbability: p, depth: 20)
    #expect(abs(law.topMass - 0.8) < 1e-12)
    #expect(abs(law.atoms[0].mass - 0.01) < 1e-15)
    #expect(abs(law.atoms[1].lambda - .pow(0.99, -20)) < 1e-12)
    #expect(abs(law.logLargest - law.logTop) < 1e-14)
    let relu = try OrthogonalLaw(openProbability: OpenProbability(0.5), depth: 10)
    #expect(abs(relu.relativeVariance - 10) < 1e-12)
    #expect(abs(relu.moment(2) - 11) < 1e-12)
    let gauss = try GaussianLaw(openProbability: OpenProbability(0.5), depth: 10, slope: 1.1)
    #expect(abs(gauss.moment(1) / .pow(1.1, 10) - 1) < 1e-13)
    #expect(abs(gauss.moment(2) / (.pow(1.1, 20) * 21) - 1) < 1e-13)
  }

  /// One Gaussian layer without nonlinearity is Marchenko and Pastur's law, two orthogonal ones with
  /// p = 1/2 the arcsine law on (0, 4).
  @Test func knownLaws() throws {
    let marchenkoPastur = try GaussianLaw(openProbability: OpenProbability(1), depth: 1)
    let arcsine = try OrthogonalLaw(openProbability: OpenProbability(0.5), depth: 2)
    for lambda in [1e-6, 0.01, 0.5, 1, 2, 3, 3.9] {
      let expected = ((4 - lambda) / lambda).squareRoot() / (2 * .pi)
      #expect(abs(marchenkoPastur.density(at: lambda) / expected - 1) < 1e-12)
      let arc = 0.5 / (.pi * (lambda * (4 - lambda)).squareRoot())
      #expect(abs(arcsine.density(at: lambda) / arc - 1) < 1e-12)
    }
    #expect(marchenkoPastur.density(at: 4.1) == 0)
    // Ratio 1/4: λ/σ_w² in (1 ± 1/2)², σ_w² = 4.
    let narrow = try GaussianLaw(openProbability: OpenProbability(0.25), depth: 1)
    #expect(abs(.exp(narrow.logSupport.lowerBound) - 1) < 1e-14)
    #expect(abs(.exp(narrow.logSupport.upperBound) - 9) < 1e-13)
    for lambda in [1.01, 2, 5, 8.9] {
      let expected = ((9 - lambda) * (lambda - 1)).squareRoot() / (8 * .pi * lambda)
      #expect(abs(narrow.density(at: lambda) / expected - 1) < 1e-12)
    }
  }

  @Test func atomsAlone() throws {
    let one = try OrthogonalLaw(openProbability: OpenProbability(0.25), depth: 1)
    #expect(one.atoms == [.init(lambda: 0, mass: 0.75), .init(lambda: 4, mass: 0.25)])
    #expect(one.curve(count: 10).isEmpty)
    #expect(one.density(at: 4) == 0)
    #expect(one.cumulative(at: 3.9) == 0.75)
    #expect(one.cumulative(at: 4) == 1)
    let point = try OrthogonalLaw(openProbability: OpenProbability(1), depth: 50)
    #expect(point.atoms == [.init(lambda: 1, mass: 1)])
    #expect(point.cumulative(at: 0.99) == 0)
    #expect(point.cumulative(at: 1) == 1)
  }

  /// The continuous part's mass, from the density and from the survival function, over the domain.
  @Test(arguments: ["orthogonal", "gaussian"])
  func densityIntegratesToItsMass(weights: String) throws {
    for closed in Self.closedProbabilities {
      for depth in Self.depths {
        let law = try Self.law(weights, closed, depth)
        let points = law.curve(count: 400)
        guard points.count > 0 else { continue }
        let name = "\(weights), 1 − p = \(closed), L = \(depth)"
        let mass = 1 - law.atoms.map(\.mass).reduce(0, +)
        let top = law.atoms.filter { $0.lambda > 0 }.map(\.mass).reduce(0, +)
        #expect(abs(points.last!.survival - top) < 1e-12, "\(name)")
        var integral = 0.0
        for (low, high) in zip(points, points.dropFirst()) {
          #expect(low.logLambda <= high.logLambda, "\(name)")
          #expect(low.survival >= high.survival - 1e-13, "\(name)")
          guard high.logLambda - low.logLambda > 1e-9 * abs(low.logLambda) else { continue }
          // In the square root of the distance from the piece's upper end the edge is smooth.
          let width = high.logLambda - low.logLambda
          integral += GaussLegendre.points16.integrate(from: 0, to: 1) {
            2 * $0 * width * law.logDensity(atLog: high.logLambda - width * $0 * $0)
          }
        }
        let below = points[0].survival - points.last!.survival
        #expect(abs(below - mass) <= 2e-4 * mass + 1e-15, "\(name)")
        #expect(abs(integral - below) < 1e-8, "\(name)")
      }
    }
  }

  @Test func illegalArguments() {
    #expect(throws: TheoryError.self) { try OpenProbability(0) }
    #expect(throws: TheoryError.self) { try OpenProbability(1.5) }
    #expect(throws: TheoryError.self) { try OpenProbability(.nan) }
    #expect(throws: TheoryError.self) { try Self.law("gaussian", 0.5, 0) }
    #expect(throws: TheoryError.self) {
      try OrthogonalLaw(openProbability: OpenProbability(0.5), depth: 3, slope: -1)
    }
  }
}
