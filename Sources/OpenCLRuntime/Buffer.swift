import COpenCL

/// Memory of a context, or a region of such memory.
///
/// Sendable: the handle never changes, and OpenCL's calls on memory objects are thread-safe. The queues
/// order the accesses to the contents.
@safe
public final class Buffer: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The context that owns the memory.
  public let context: Context
  /// The size in bytes.
  public let byteCount: Int
  // A region keeps the memory it lies in alive.
  private let parent: Buffer?

  /// Allocates uninitialized device memory.
  ///
  /// - Precondition: `byteCount` is positive.
  public convenience init(_ context: Context, byteCount: Int) throws(OpenCLError) {
    try self.init(context, byteCount: byteCount, flags: CL_MEM_READ_WRITE)
  }

  init(_ context: Context, byteCount: Int, flags: Int32) throws(OpenCLError) {
    precondition(byteCount > 0, "a buffer has at least one byte")
    var status: cl_int = 0
    let handle = unsafe clCreateBuffer(
      context.handle, cl_mem_flags(flags), byteCount, nil, &status)
    unsafe self.handle = unsafe try created(
      handle, status, "clCreateBuffer", "\(byteCount) bytes")
    self.context = context
    self.byteCount = byteCount
    parent = nil
  }

  private init(parent: Buffer, offset: Int, byteCount: Int) throws(OpenCLError) {
    var region = cl_buffer_region(origin: offset, size: byteCount)
    var status: cl_int = 0
    let handle = unsafe clCreateSubBuffer(
      parent.handle, cl_mem_flags(CL_MEM_READ_WRITE),
      cl_buffer_create_type(CL_BUFFER_CREATE_TYPE_REGION), &region, &status)
    unsafe self.handle = unsafe try created(
      handle, status, "clCreateSubBuffer", "\(byteCount) bytes at \(offset)")
    context = parent.context
    self.byteCount = byteCount
    self.parent = parent
  }

  /// The part `offset..<offset + byteCount` of this memory as a separate buffer.
  ///
  /// - Precondition: the region lies inside the buffer, and the buffer is not a region itself.
  /// - Throws: CL_MISALIGNED_SUB_BUFFER_OFFSET unless `offset` is a multiple of the device's
  ///   `baseAddressAlignment`.
  public func region(offset: Int, byteCount: Int) throws(OpenCLError) -> Buffer {
    precondition(parent == nil, "a region of a region is a region of the buffer")
    precondition(
      offset >= 0 && byteCount > 0 && offset + byteCount <= self.byteCount,
      "bytes \(offset)..<\(offset + byteCount) lie outside a buffer of \(self.byteCount)")
    // Drivers differ in the offsets that they accept. This check makes all of them equally strict.
    guard offset % context.device.baseAddressAlignment == 0 else {
      throw OpenCLError(
        call: "clCreateSubBuffer", code: .misalignedSubBufferOffset,
        detail: "\(offset) is no multiple of \(context.device.baseAddressAlignment) bytes")
    }
    return try Buffer(parent: self, offset: offset, byteCount: byteCount)
  }

  deinit { _ = unsafe clReleaseMemObject(handle) }
}

/// Host memory that the device's copy engines access directly, mapped for its whole life.
///
/// Sendable: the address never changes. Code that fills the memory and code that copies from it
/// synchronize by events.
@safe
public final class PinnedMemory: @unchecked Sendable {
  private let buffer: Buffer
  private let queue: CommandQueue
  private let address: UnsafeMutableRawPointer

  /// Allocates pinned host memory of a positive size.
  public init(_ queue: CommandQueue, byteCount: Int) throws(OpenCLError) {
    let buffer = try Buffer(
      queue.context, byteCount: byteCount, flags: CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR)
    var status: cl_int = 0
    let address = unsafe clEnqueueMapBuffer(
      queue.handle, buffer.handle, cl_bool(CL_TRUE), cl_map_flags(CL_MAP_READ | CL_MAP_WRITE), 0,
      byteCount, 0, nil, nil, &status)
    try check(status, "clEnqueueMapBuffer", "\(byteCount) bytes")
    guard let address = unsafe address else {
      throw OpenCLError(call: "clEnqueueMapBuffer", code: .invalidValue, detail: "no address")
    }
    self.buffer = buffer
    self.queue = queue
    unsafe self.address = unsafe address
  }

  /// The memory, valid while this object lives.
  public var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: address, count: buffer.byteCount)
  }

  deinit {
    _ = unsafe clEnqueueUnmapMemObject(queue.handle, buffer.handle, address, 0, nil, nil)
    _ = unsafe clFinish(queue.handle)
  }
}
