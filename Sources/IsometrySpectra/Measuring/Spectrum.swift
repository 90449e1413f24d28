/// The singular values of one Jacobian: all of them, or nodes with weights that stand for them.
public struct Spectrum: Sendable, Equatable {
  /// How the values were found.
  public enum Method: String, Sendable, Hashable {
    /// LAPACK's singular value decomposition of the matrix in Double.
    case decomposition = "svd"
    /// The eigenvalues of the smaller Gram matrix, accumulated in Double.
    case gram
    /// Stochastic Lanczos quadrature.
    case lanczos
  }

  /// How the values were found.
  public let method: Method
  /// min(n, m): how many singular values there are.
  public let count: Int
  /// In decreasing order. Those that cannot be told from zero are exactly 0.
  public let values: [Double]
  /// The share of the `count` singular values that each of `values` stands for; the sum is 1.
  public let weights: [Double]
  /// Which random start each of `values` belongs to; 0 where they are all singular values.
  let probes: [Int]
  /// Singular values at or below this are rounding errors, and count as zeros.
  public let resolution: Double

  /// - Parameters:
  ///   - values: in decreasing order.
  ///   - weights: nil where every value stands for itself.
  ///   - probes: nil where there was no random start.
  init(
    method: Method, count: Int, values: [Double], weights: [Double]? = nil, probes: [Int]? = nil,
    resolution: Double
  ) {
    self.method = method
    self.count = count
    self.values = values.map { $0 <= resolution ? 0 : $0 }
    self.weights = weights ?? [Double](repeating: 1 / Double(count), count: values.count)
    self.probes = probes ?? [Int](repeating: 0, count: values.count)
    self.resolution = resolution
  }

  /// The share of singular values that are zero.
  public var zeroFraction: Double {
    switch method {
    case .decomposition, .gram: Double(values.count { $0 == 0 }) / Double(count)
    case .lanczos: zip(values, weights).reduce(0) { $0 + ($1.0 == 0 ? $1.1 : 0) }
    }
  }
}

/// How large a singular value must be, next to the largest, to be told from zero.
enum SpectralResolution {
  /// Products rounded to a type with this ε make every singular value uncertain by about the spectral
  /// norm of a random matrix of their errors, which is √(larger side) times an entry's. An entry's
  /// error is a few ε of the root mean square of the row over √(larger side) for one layer, and grows
  /// with the square root of the depth: 8 covers some hundred layers.
  static func rounding(_ epsilon: Double, side: Int) -> Double {
    8 * Double(side).squareRoot() * epsilon
  }

  /// A Gram matrix squares the singular values, so that errors of ε come out as √ε.
  static func gram(_ epsilon: Double, side: Int) -> Double {
    rounding(epsilon, side: side).squareRoot()
  }
}
