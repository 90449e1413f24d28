#if OpenCL
  internal import CCLBlast
  import IsometryCore
  internal import OpenCLRuntime

  /// A matrix product by CLBlast, with its operands bound.
  struct LibraryProduct {
    private let product: PlannedProduct
    private let a: (slab: Buffer, offset: Int, byteCount: Int)
    private let b: (slab: Buffer, offset: Int, byteCount: Int)
    private let y: (slab: Buffer, offset: Int, byteCount: Int)

    /// Computes the product once, so that the library compiles its kernels before the first step.
    init(
      _ product: PlannedProduct, a: (slab: Buffer, offset: Int, byteCount: Int),
      b: (slab: Buffer, offset: Int, byteCount: Int),
      y: (slab: Buffer, offset: Int, byteCount: Int), queue: CommandQueue
    ) throws {
      self.product = product
      self.a = a
      self.b = b
      self.y = y
      try enqueue(on: queue)
    }

    func enqueue(on queue: CommandQueue) throws(OpenCLError) {
      var handle: OpaquePointer? = queue.handle
      let size = product.dtype.byteCount
      let transposeA = product.transposeLeft ? CLBlastTransposeYes : CLBlastTransposeNo
      let transposeB = product.transposeRight ? CLBlastTransposeYes : CLBlastTransposeNo
      let leadingA = product.transposeLeft ? product.rows : product.inner
      let leadingB = product.transposeRight ? product.inner : product.columns
      let status =
        product.dtype == .float64
        ? CLBlastDgemm(
          CLBlastLayoutRowMajor, transposeA, transposeB, product.rows, product.columns,
          product.inner, 1, a.slab.handle, a.offset / size, leadingA, b.slab.handle,
          b.offset / size, leadingB, 0, y.slab.handle, y.offset / size, product.columns, &handle,
          nil)
        : CLBlastSgemm(
          CLBlastLayoutRowMajor, transposeA, transposeB, product.rows, product.columns,
          product.inner, 1, a.slab.handle, a.offset / size, leadingA, b.slab.handle,
          b.offset / size, leadingB, 0, y.slab.handle, y.offset / size, product.columns, &handle,
          nil)
      guard status == CLBlastSuccess else {
        throw OpenCLError(
          call: "CLBlastGemm", code: StatusCode(rawValue: Int32(status.rawValue)),
          detail: product.label)
      }
    }
  }
#endif
