import COpenCL
public import DeviceRuntime

/// An in-order queue of commands to a device.
///
/// Sendable: the handle never changes, and OpenCL's calls on queues are thread-safe.
@safe
public final class CommandQueue: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The context whose buffers and kernels the commands may use.
  public let context: Context

  /// A queue; with `profiling`, its events have a `duration`.
  public init(_ context: Context, profiling: Bool = false) throws(OpenCLError) {
    var status: cl_int = 0
    let properties = profiling ? cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE) : 0
    let handle = unsafe clCreateCommandQueue(
      context.handle, context.device.handle, properties, &status)
    unsafe self.handle = unsafe try created(handle, status, "clCreateCommandQueue")
    self.context = context
  }

  deinit { _ = unsafe clReleaseCommandQueue(handle) }

  /// Enqueues a launch. It allocates nothing.
  public func launch(_ kernel: Kernel, _ geometry: LaunchGeometry) throws(OpenCLError) {
    let status = unsafe enqueue(kernel, geometry, nil)
    try check(status, "clEnqueueNDRangeKernel", kernel.name)
  }

  /// Enqueues a launch and returns its completion event, for profiling.
  public func timedLaunch(
    _ kernel: Kernel, _ geometry: LaunchGeometry
  ) throws(OpenCLError) -> Event {
    var event: OpaquePointer?
    let status = unsafe enqueue(kernel, geometry, &event)
    return unsafe openCLEvent(
      try created(event, status, "clEnqueueNDRangeKernel", kernel.name))
  }

  private func enqueue(
    _ kernel: Kernel, _ geometry: LaunchGeometry, _ event: UnsafeMutablePointer<OpaquePointer?>?
  ) -> cl_int {
    unsafe geometry.withPointers { global, local in
      unsafe clEnqueueNDRangeKernel(
        handle, kernel.handle, 3, nil, global, local, 0, nil, event)
    }
  }

  /// Enqueues a copy of host memory into a buffer without waiting for it.
  ///
  /// - Precondition: `source` is unchanged until the returned event is complete. Only a copy from
  ///   `PinnedMemory` overlaps with computation; others may block.
  @discardableResult
  public func write(
    _ source: UnsafeRawBufferPointer, to buffer: Buffer, offset: Int = 0,
    after: borrowing Event? = nil
  ) throws(OpenCLError) -> Event {
    var event: OpaquePointer?
    let status = unsafe withWaitList(after) { count, list in
      unsafe clEnqueueWriteBuffer(
        handle, buffer.handle, cl_bool(CL_FALSE), offset, source.count, source.baseAddress, count,
        list, &event)
    }
    return unsafe openCLEvent(
      try created(event, status, "clEnqueueWriteBuffer", "\(source.count) bytes"))
  }

  /// Enqueues a copy of a buffer into host memory without waiting for it.
  ///
  /// - Precondition: `destination` is valid and not read until the returned event is complete.
  @discardableResult
  public func read(
    _ buffer: Buffer, offset: Int = 0, into destination: UnsafeMutableRawBufferPointer,
    after: borrowing Event? = nil
  ) throws(OpenCLError) -> Event {
    var event: OpaquePointer?
    let status = unsafe withWaitList(after) { count, list in
      unsafe clEnqueueReadBuffer(
        handle, buffer.handle, cl_bool(CL_FALSE), offset, destination.count,
        destination.baseAddress, count, list, &event)
    }
    return unsafe openCLEvent(
      try created(event, status, "clEnqueueReadBuffer", "\(destination.count) bytes"))
  }

  /// Copies elements into a buffer and waits for the copy.
  public func upload<Element: BitwiseCopyable>(
    _ elements: [Element], to buffer: Buffer, offset: Int = 0
  ) throws(OpenCLError) {
    if elements.isEmpty { return }
    let status = unsafe elements.withUnsafeBytes { raw in
      unsafe enqueueWrite(raw, buffer, offset)
    }
    try check(status, "clEnqueueWriteBuffer", "\(elements.count) elements at \(offset)")
  }

  /// Copies host memory into a buffer and waits for the copy.
  func write(
    _ source: UnsafeRawBufferPointer, waitingFor buffer: Buffer, offset: Int
  ) throws(OpenCLError) {
    try check(
      unsafe enqueueWrite(source, buffer, offset),
      "clEnqueueWriteBuffer", "\(source.count) bytes at \(offset)")
  }

  private func enqueueWrite(
    _ source: UnsafeRawBufferPointer, _ buffer: Buffer, _ offset: Int
  ) -> cl_int {
    unsafe clEnqueueWriteBuffer(
      handle, buffer.handle, cl_bool(CL_TRUE), offset, source.count, source.baseAddress, 0, nil,
      nil)
  }

  /// The elements of a buffer from `offset` (in bytes) on. It waits for all earlier commands.
  public func download<Element: BitwiseCopyable>(
    _ buffer: Buffer, offset: Int = 0, count: Int, of initial: Element
  ) throws(OpenCLError) -> [Element] {
    if count == 0 { return [] }
    var elements = [Element](repeating: initial, count: count)
    let status = unsafe elements.withUnsafeMutableBytes { raw in
      unsafe enqueueRead(buffer, offset, raw)
    }
    try check(status, "clEnqueueReadBuffer", "\(count) elements at \(offset)")
    return elements
  }

  /// Copies a part of a buffer into host memory and waits for the copy.
  func read(
    _ buffer: Buffer, waitingAt offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws(OpenCLError) {
    try check(
      unsafe enqueueRead(buffer, offset, destination),
      "clEnqueueReadBuffer", "\(destination.count) bytes at \(offset)")
  }

  private func enqueueRead(
    _ buffer: Buffer, _ offset: Int, _ destination: UnsafeMutableRawBufferPointer
  ) -> cl_int {
    unsafe clEnqueueReadBuffer(
      handle, buffer.handle, cl_bool(CL_TRUE), offset, destination.count, destination.baseAddress,
      0, nil, nil)
  }

  /// Enqueues a copy between buffers that do not overlap.
  @discardableResult
  public func copy(
    _ source: Buffer, offset: Int = 0, to destination: Buffer, offset destinationOffset: Int = 0,
    byteCount: Int
  ) throws(OpenCLError) -> Event {
    var event: OpaquePointer?
    let status = unsafe clEnqueueCopyBuffer(
      handle, source.handle, destination.handle, offset, destinationOffset, byteCount, 0, nil,
      &event)
    return unsafe openCLEvent(
      try created(event, status, "clEnqueueCopyBuffer", "\(byteCount) bytes"))
  }

  /// Sets every byte of a buffer to zero.
  public func clear(_ buffer: Buffer) throws(OpenCLError) { try fill(buffer) }

  func fill(_ buffer: Buffer) throws(OpenCLError) {
    var zero: UInt8 = 0
    try check(
      unsafe clEnqueueFillBuffer(
        handle, buffer.handle, &zero, 1, 0, buffer.byteCount, 0, nil, nil),
      "clEnqueueFillBuffer", "\(buffer.byteCount) bytes")
  }

  /// Delays later commands of this queue until an event, possibly of another queue, is complete.
  public func wait(for event: borrowing Event) throws(OpenCLError) {
    var handle: OpaquePointer? = unsafe event.handle
    try check(
      unsafe clEnqueueBarrierWithWaitList(self.handle, 1, &handle, nil),
      "clEnqueueBarrierWithWaitList")
  }

  /// The completion event of all commands so far, and of a command of another queue if given.
  public func marker(after other: borrowing Event? = nil) throws(OpenCLError) -> Event {
    var event: OpaquePointer?
    let status = unsafe withWaitList(other) { count, list in
      unsafe clEnqueueMarkerWithWaitList(handle, count, list, &event)
    }
    return unsafe openCLEvent(try created(event, status, "clEnqueueMarkerWithWaitList"))
  }

  /// Submits all enqueued commands to the device.
  public func flush() throws(OpenCLError) {
    try check(unsafe clFlush(handle), "clFlush")
  }

  /// Blocks until all enqueued commands are complete.
  public func finish() throws(OpenCLError) {
    try check(unsafe clFinish(handle), "clFinish")
  }
}
