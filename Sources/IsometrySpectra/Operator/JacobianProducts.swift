public import IsometryCore

/// A matrix J of m rows and n columns, known by its products with many vectors at once: what spectra
/// are measured of.
public protocol JacobianProducts {
  /// n
  var inputCount: Int { get }
  /// m
  var outputCount: Int { get }
  /// Vectors that are multiplied at a time; more go in several steps.
  var batch: Int { get }
  /// Of the products, which bounds how small a singular value can be told from zero.
  var precision: DType { get }

  /// J·v for each row v of n numbers, as rows of m numbers.
  func forward(_ vectors: [Double]) throws -> [Double]

  /// Jᵀ·u for each row u of m numbers, as rows of n numbers.
  func reverse(_ vectors: [Double]) throws -> [Double]
}
