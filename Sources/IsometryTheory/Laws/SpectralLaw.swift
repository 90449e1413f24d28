internal import RealModule

/// A point mass of a spectral law: `mass` of the eigenvalues are equal to `lambda`.
public struct SpectralAtom: Sendable, Hashable {
  /// σ²; 0 for the kernel.
  public var lambda: Double
  /// In (0, 1].
  public var mass: Double
  /// false where the mass lies on an interval too short for Double to tell it from a point, as that of
  /// GELU's slopes near 1 at a large variance.
  public var isExact: Bool

  /// An atom at λ = σ².
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
  /// Density of t, continuous part only.
  public var logDensity: Double
  /// P(log λ > t), atoms above t included.
  public var survival: Double

  /// The law at t = log λ.
  public init(logLambda: Double, logDensity: Double, survival: Double) {
    self.logLambda = logLambda
    self.logDensity = logDensity
    self.survival = survival
  }
}

/// The law of the squared singular values λ = σ² of an input–output Jacobian, in the variable
/// t = log λ, in which all the laws of this package are smooth.
///
/// A law is a continuous part with a density of t, and atoms. The mass of both together is 1.
public protocol SpectralLaw: Sendable {
  /// The law's name in tables, plots and JSON: "universal", "orthogonal", …
  var name: String { get }

  /// Where the continuous part has mass, as an interval of t; a bound can be −∞, and the interval is
  /// one point where the law has no continuous part.
  var logSupport: ClosedRange<Double> { get }

  /// Whether λ > 0 comes arbitrarily close to 0.
  var reachesZero: Bool { get }

  /// Point masses in increasing order of λ.
  var atoms: [SpectralAtom] { get }

  /// Density of t = log λ of the continuous part; 0 outside of the support.
  func logDensity(atLog t: Double) -> Double

  /// P(log λ > t), atoms above t included.
  func survival(atLog t: Double) -> Double

  /// `count` points in increasing t which resolve the edges and the peak of the continuous part;
  /// empty where there is none.
  ///
  /// - Precondition: `count` ≥ 2.
  func curve(count: Int) -> [SpectralPoint]
}

extension SpectralLaw {
  /// By default, whether the support is said to begin at −∞.
  public var reachesZero: Bool { logSupport.lowerBound == -.infinity }

  /// log of the largest λ, an atom's or the continuous part's.
  public var logLargest: Double {
    atoms.filter { $0.lambda > 0 }.map { Double.log($0.lambda) }
      .reduce(logSupport.upperBound, max)
  }

  /// Mass of the atom at the largest λ; 0 where there is none.
  public var massAtLargest: Double {
    // Where no continuous part reaches further, but for rounding.
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

  /// P(λ' ≤ λ), an atom at λ included.
  public func cumulative(at lambda: Double) -> Double {
    if lambda < 0 { return 0 }
    if lambda == 0 { return atoms.first { $0.lambda == 0 }?.mass ?? 0 }
    return 1 - survival(atLog: .log(lambda))
  }
}
