internal import CCLBlast
internal import DeviceRuntime
import IsometryCore
internal import IsometryLowering
internal import OpenCLRuntime

/// A matrix product by CLBlast, with its operands bound.
struct LibraryProduct {
  private let product: PlannedProduct
  private let a: StorageLocation
  private let b: StorageLocation
  private let y: StorageLocation
  /// Of at least `scratchByteCount`; without it the library would allocate in each step. Products on one
  /// queue may share it.
  var scratch: (any RuntimeBuffer)?

  /// - Parameter places: of the plan's storages.
  init(_ product: PlannedProduct, _ places: [StorageLocation]) {
    self.product = product
    a = places[product.a.index]
    b = places[product.b.index]
    y = places[product.y.index]
  }

  /// The bytes that the library needs for operands in the form of its kernels; 0 if it reads them as
  /// they are.
  func scratchByteCount(on queue: any RuntimeQueue) throws(OpenCLError) -> Int {
    var handle: OpaquePointer? = openCL(queue).handle
    let size = product.dtype.byteCount
    var byteCount = 0
    let query =
      product.dtype == .float64 ? CLBlastDGemmTempBufferSize : CLBlastSGemmTempBufferSize
    try check(
      query(
        CLBlastLayoutRowMajor, product.transposeA, product.transposeB, product.rows,
        product.columns, product.inner, a.offset / size, product.leadingA, b.offset / size,
        product.leadingB, y.offset / size, product.columns, &handle, &byteCount))
    return byteCount
  }

  func enqueue(on queue: any RuntimeQueue) throws(OpenCLError) {
    var handle: OpaquePointer? = openCL(queue).handle
    let size = product.dtype.byteCount
    let status =
      product.dtype == .float64
      ? CLBlastDgemmWithTempBuffer(
        CLBlastLayoutRowMajor, product.transposeA, product.transposeB, product.rows,
        product.columns, product.inner, 1, openCL(a.slab).handle, a.offset / size, product.leadingA,
        openCL(b.slab).handle, b.offset / size, product.leadingB, 0, openCL(y.slab).handle,
        y.offset / size,
        product.columns, &handle, nil, scratch.map { openCL($0).handle })
      : CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, product.transposeA, product.transposeB, product.rows,
        product.columns, product.inner, 1, openCL(a.slab).handle, a.offset / size, product.leadingA,
        openCL(b.slab).handle, b.offset / size, product.leadingB, 0, openCL(y.slab).handle,
        y.offset / size,
        product.columns, &handle, nil, scratch.map { openCL($0).handle })
    try check(status)
  }

  private func check(_ status: CLBlastStatusCode) throws(OpenCLError) {
    guard status == CLBlastSuccess else {
      throw OpenCLError(
        call: "CLBlastGemm", code: StatusCode(rawValue: Int32(status.rawValue)),
        detail: product.label)
    }
  }
}

/// CLBlast takes OpenCL's own objects; only its devices choose it (`GemmProvider`).
private func openCL(_ queue: any RuntimeQueue) -> CommandQueue {
  guard let queue = queue as? CommandQueue else { preconditionFailure("CLBlast needs OpenCL") }
  return queue
}

private func openCL(_ buffer: any RuntimeBuffer) -> Buffer {
  guard let buffer = buffer as? Buffer else { preconditionFailure("CLBlast needs OpenCL") }
  return buffer
}

extension PlannedProduct {
  fileprivate var transposeA: CLBlastTranspose {
    transposeLeft ? CLBlastTransposeYes : CLBlastTransposeNo
  }
  fileprivate var transposeB: CLBlastTranspose {
    transposeRight ? CLBlastTransposeYes : CLBlastTransposeNo
  }
  fileprivate var leadingA: Int { transposeLeft ? rows : inner }
  fileprivate var leadingB: Int { transposeRight ? inner : columns }
}
