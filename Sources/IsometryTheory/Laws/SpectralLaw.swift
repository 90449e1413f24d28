internal import RealModule

/// A point mass of a spectral law: `mass` of the eigenvalues are equal to `lambda`.
public struct SpectralAtom: Sendable, Hashable {
  /// σ²; 0 for the kernel.
  public var lambda: Double
  /// The share of the eigenvalues, in (0, 1].
  public var mass: Double
  /// Whether the mass lies on a point. If false, its interval is too short for Double to resolve, as
  /// for GELU's slopes near 1 at a large variance.
  public var isExact: Bool

  /// Makes an atom at λ = σ².
  public init(lambda: Double, mass: Double, isExact: Bool = true) {
    self.lambda = lambda
    self.mass = mass
    self.isExact = isExact
  }
}

/// One point of a tabulated law.
public struct SpectralPoint: Sendable, Hashable {
  /// t = log λ.
  public var logLambda: Double
  /// Density of t; continuous part only.
  public var logDensity: Double
  /// P(log λ > t), including atoms above t.
  public var survival: Double

  /// Makes a point at t = log λ.
  public init(logLambda: Double, logDensity: Double, survival: Double) {
    self.logLambda = logLambda
    self.logDensity = logDensity
    self.survival = survival
  }
}

/// The law of the squared singular values λ = σ² of an input–output Jacobian, in the variable t = log
/// λ. All laws of this package are smooth in t.
///
/// A law has a continuous part with a density of t, and atoms. Their masses add up to 1.
public protocol SpectralLaw: Sendable {
  /// The law's name in tables, plots and JSON: "universal", "orthogonal", …
  var name: String { get }

  /// The interval of t that holds the continuous part's mass. A bound can be −∞. The interval is one
  /// point if the law has no continuous part.
  var logSupport: ClosedRange<Double> { get }

  /// Whether λ > 0 comes arbitrarily close to 0.
  var reachesZero: Bool { get }

  /// Point masses in increasing order of λ.
  var atoms: [SpectralAtom] { get }

  /// Density of t = log λ of the continuous part; 0 outside the support.
  func logDensity(atLog t: Double) -> Double

  /// P(log λ > t), including atoms above t.
  func survival(atLog t: Double) -> Double

  /// `count` points in increasing t that resolve the edges and the peak of the continuous part; empty
  /// if the law has no continuous part.
  ///
  /// - Precondition: `count` ≥ 2.
  func curve(count: Int) -> [SpectralPoint]
}

extension SpectralLaw {
  /// By default, whether the support begins at −∞.
  public var reachesZero: Bool { logSupport.lowerBound == -.infinity }

  /// log of the largest λ of the atoms and the continuous part.
  public var logLargest: Double {
    atoms.filter { $0.lambda > 0 }.map { Double.log($0.lambda) }
      .reduce(logSupport.upperBound, max)
  }

  /// Mass of the atom at the largest λ; 0 if there is none.
  public var massAtLargest: Double {
    // The continuous part must not reach further, up to rounding.
    let slack = 1e-12 * max(1, abs(logLargest))
    return atoms.last { $0.isExact && $0.lambda > 0 && .log($0.lambda) >= logLargest - slack }?.mass
      ?? 0
  }

  /// Density of λ; 0 for λ ≤ 0.
  public func density(at lambda: Double) -> Double {
    lambda > 0 ? logDensity(atLog: .log(lambda)) / lambda : 0
  }

  /// Density of the singular value σ = √λ; 0 for σ ≤ 0.
  public func singularValueDensity(at sigma: Double) -> Double {
    sigma > 0 ? 2 * logDensity(atLog: 2 * .log(sigma)) / sigma : 0
  }

  /// P(λ' ≤ λ), including an atom at λ.
  public func cumulative(at lambda: Double) -> Double {
    if lambda < 0 { return 0 }
    if lambda == 0 { return atoms.first { $0.lambda == 0 }?.mass ?? 0 }
    return 1 - survival(atLog: .log(lambda))
  }
}
