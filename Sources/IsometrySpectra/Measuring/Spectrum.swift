/// The singular values of one Jacobian: all of them, or quadrature nodes with weights.
public struct Spectrum: Sendable, Equatable {
  /// The method of a spectrum.
  public enum Method: String, Sendable, Hashable {
    /// LAPACK's singular value decomposition of the matrix in Double.
    case decomposition = "svd"
    /// The eigenvalues of the smaller Gram matrix, accumulated in Double.
    case gram
    /// Stochastic Lanczos quadrature.
    case lanczos
  }

  /// The method of the values.
  public let method: Method
  /// min(n, m), the number of singular values.
  public let count: Int
  /// The values in decreasing order. Values that are not distinguishable from zero are exactly 0.
  public let values: [Double]
  /// The fraction of the `count` singular values that each value represents; the sum is 1.
  public let weights: [Double]
  /// The index of each value's random start; 0 if the values are all singular values.
  let probes: [Int]
  /// The size at or below which singular values are rounding errors and count as zeros.
  public let resolution: Double

  /// - Parameters:
  ///   - values: in decreasing order.
  ///   - weights: nil if every value represents itself.
  ///   - probes: nil if there was no random start.
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

  /// The fraction of singular values that are zero.
  public var zeroFraction: Double {
    switch method {
    case .decomposition, .gram: Double(values.count { $0 == 0 }) / Double(count)
    case .lanczos: zip(values, weights).reduce(0) { $0 + ($1.0 == 0 ? $1.1 : 0) }
    }
  }
}

/// The smallest size of a singular value, relative to the largest, that is distinguishable from zero.
enum SpectralResolution {
  /// The resolution for products rounded to a type with this ε. Rounding makes every singular value
  /// uncertain by about the spectral norm of a random error matrix, which is √(larger side) times an
  /// entry's error.
  ///
  /// For one layer an entry's error is a few ε of the root mean square of the row over √(larger side).
  /// It grows with the square root of the depth. The factor 8 covers some hundred layers.
  static func rounding(_ epsilon: Double, side: Int) -> Double {
    8 * Double(side).squareRoot() * epsilon
  }
}
