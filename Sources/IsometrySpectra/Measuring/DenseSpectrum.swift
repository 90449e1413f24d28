internal import IsometryCore

extension JacobianOperator {
  /// The limits of a dense spectrum.
  public struct DenseOptions: Sendable, Hashable {
    /// The size of the smaller side up to which the matrix itself is decomposed in Double. Larger
    /// matrices use the Gram matrix, unless their entries are known in Double.
    public var largestDecomposedSide = 1024
    /// The size in Double, in bytes, above which the Gram matrix is always used.
    public var largestDecomposedBytes = 1 << 30
    /// The memory for rows in single precision while the Gram matrix is accumulated, as a multiple of
    /// the Gram matrix. With less memory, rows are computed more than once.
    public var rowsPerGram = 2.0

    /// Makes the default options.
    public init() {}
  }
}

extension JacobianProducts {
  /// All min(n, m) singular values of the Jacobian at the image that the operator was moved to.
  ///
  /// J is computed along its smaller side: n columns J·e if n ≤ m, otherwise m rows Jᵀ·e.
  ///
  /// - `decomposition`: LAPACK's dgesdd. Every singular value has the absolute error of J's entries.
  /// - `gram`: AAᵀ in Double of the rows A in single precision. For Jacobians in fp32 this loses no
  ///   accuracy: the square root of Double's ε is below fp32's. The Gram matrix takes 8·min(n, m)²
  ///   bytes, and the rows take at most `rowsPerGram` times as much. If all rows take more, they are
  ///   processed in panels, and P panels cost (P + 1)/2 times the products.
  ///
  /// - Complexity: min(n, m) passes of the network, and O(min(n, m)²·max(n, m)) in LAPACK.
  /// - Throws: `SpectrumError`, and the backend's errors.
  public func denseSpectrum(_ options: JacobianOperator.DenseOptions = .init()) throws -> Spectrum {
    let (short, long) = (min(inputCount, outputCount), max(inputCount, outputCount))
    let rounding = SpectralResolution.rounding(precision.epsilon, side: long)
    let isSmall = short <= options.largestDecomposedSide || precision == .fp64
    if isSmall, 8 * short * long <= options.largestDecomposedBytes {
      // The matrix, and LAPACK's triangle of it.
      try requireMemory(8 * short * (long + short))
      var matrix: [Double] = []
      matrix.reserveCapacity(short * long)
      for first in stride(from: 0, to: short, by: batch) {
        matrix += try rows(first..<min(short, first + batch))
      }
      let values = try LinearAlgebra.singularValues(&matrix, rows: short, columns: long)
      return Spectrum(
        method: .decomposition, count: short, values: values,
        resolution: (values.first ?? 0) * rounding)
    }
    let gramBytes = 8 * Double(short) * Double(short)
    let panel = Int(options.rowsPerGram * gramBytes / Double(4 * long))
    try requireMemory(8 * short * short + 4 * long * min(short, max(batch, panel)))
    let eigenvalues = try gramMatrix(panel: max(batch, panel)).eigenvalues()
    let values = eigenvalues.reversed().map { max(0, $0).squareRoot() }
    // A Gram matrix squares the singular values, so errors of ε become √ε.
    let squaring = SpectralResolution.rounding(DType.float64.epsilon, side: short).squareRoot()
    return Spectrum(
      method: .gram, count: short, values: values,
      resolution: (values.first ?? 0) * max(rounding, squaring))
  }

  /// - Parameter byteCount: of what is kept; the products of a step take more.
  private func requireMemory(_ byteCount: Int) throws(SpectrumError) {
    let step = 16 * batch * max(inputCount, outputCount)
    let free = FreeMemory.byteCount
    guard byteCount + step > free else { return }
    throw .notEnoughMemory(
      inputs: inputCount, outputs: outputCount, needed: byteCount + step, free: free)
  }

  /// The Gram matrix along the smaller side.
  ///
  /// - Parameter panel: the number of rows in memory at a time.
  private func gramMatrix(panel: Int) throws -> GramMatrix {
    let (short, long) = (min(inputCount, outputCount), max(inputCount, outputCount))
    var gram = GramMatrix(size: short)
    for first in stride(from: 0, to: short, by: panel) {
      let end = min(short, first + panel)
      var kept: [Float] = []
      kept.reserveCapacity((end - first) * long)
      for start in stride(from: first, to: end, by: batch) {
        kept += try rows(start..<min(end, start + batch)).map { Float($0) }
      }
      gram.add(kept, first: first, length: long)
      for start in stride(from: end, to: short, by: batch) {
        let later = try rows(start..<min(short, start + batch)).map { Float($0) }
        gram.add(later, first: start, with: (kept, first), length: long)
      }
    }
    return gram
  }

  /// Products with unit vectors along the smaller side: columns of J, or rows if J has fewer rows.
  private func rows(_ range: Range<Int>) throws -> [Double] {
    let width = min(inputCount, outputCount)
    var vectors = [Double](repeating: 0, count: range.count * width)
    for (row, unit) in range.enumerated() { vectors[row * width + unit] = 1 }
    return try inputCount <= outputCount ? forward(vectors) : reverse(vectors)
  }
}
