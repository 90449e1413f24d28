internal import CLAPACK

/// op(a)·op(b) in fp32 as OpenBLAS computes it: a yardstick from outside for matrix products.
///
/// - Parameters:
///   - a: [rows, inner], or [inner, rows] where it is transposed.
///   - b: [inner, columns], or [columns, inner] where it is transposed.
/// - Returns: [rows, columns].
public func libraryProduct(
  _ a: [Float], transposed transposeA: Bool, _ b: [Float], transposed transposeB: Bool, rows: Int,
  columns: Int, inner: Int
) -> [Float] {
  precondition(
    a.count == rows * inner && b.count == inner * columns, "the extents are the operands'")
  var y = [Float](repeating: 0, count: rows * columns)
  cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
    Int32(rows), Int32(columns), Int32(inner), 1, a, Int32(transposeA ? rows : inner), b,
    Int32(transposeB ? inner : columns), 0, &y, Int32(columns))
  return y
}
