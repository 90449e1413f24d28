public import IsometryCore

/// A matrix J of m rows and n columns that is defined by its products with many vectors at once.
/// Spectra are measured from it.
public protocol JacobianProducts {
  /// n
  var inputCount: Int { get }
  /// m
  var outputCount: Int { get }
  /// The number of vectors that are multiplied at a time. More vectors take several steps.
  var batch: Int { get }
  /// Of the products: it bounds the singular values that rounding can distinguish from zero.
  var precision: Precision { get }

  /// J·v for each row v of n numbers, as rows of m numbers.
  func forward(_ vectors: [Double]) throws -> [Double]

  /// Jᵀ·u for each row u of m numbers, as rows of n numbers.
  func reverse(_ vectors: [Double]) throws -> [Double]
}
