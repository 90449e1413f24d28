internal import CCUDA
internal import DeviceRuntime
internal import Synchronization

/// A stream.
///
/// Sendable: the handle never changes, and CUDA's calls on streams are thread-safe.
@safe
final class CUDAQueue: RuntimeQueue, @unchecked Sendable {
  private let context: CUDAContext
  private let handle: CUstream
  private let hasTimes: Bool
  private let zero = Mutex<ClockZero?>(nil)
  private let clock = ContinuousClock()
  private static let origin = ContinuousClock().now

  init(_ context: CUDAContext, hasTimes: Bool) throws(CUDAError) {
    self.context = context
    self.hasTimes = hasTimes
    var handle: CUstream?
    try context.call("cuStreamCreate") {
      unsafe $0.stream_create(&handle, UInt32(ISOMETRY_CUDA_STREAM_NON_BLOCKING))
    }
    guard let handle = unsafe handle else { preconditionFailure("a stream without a handle") }
    unsafe self.handle = unsafe handle
    if hasTimes { try setClockZero() }
  }

  deinit { context.free { unsafe $0.stream_destroy(handle) } }

  var owner: any RuntimeContext { context }

  func makePinnedMemory(byteCount: Int) throws -> any RuntimePinnedMemory {
    try CUDAPinnedMemory(context, byteCount: byteCount)
  }

  // MARK: Launches

  func enqueue(_ kernel: any RuntimeKernel, _ geometry: LaunchGeometry) throws {
    try launch(own(kernel), geometry)
  }

  func enqueueTimed(_ kernel: any RuntimeKernel, _ geometry: LaunchGeometry) throws -> Event {
    try timed { () throws(CUDAError) in try launch(own(kernel), geometry) }
  }

  private func launch(_ kernel: CUDAKernel, _ geometry: LaunchGeometry) throws(CUDAError) {
    let (groups, items) = (geometry.groups, geometry.local)
    try context.call("cuLaunchKernel", kernel.name) {
      unsafe $0.launch(
        kernel.handle, UInt32(groups[0]), UInt32(groups[1]), UInt32(groups[2]), UInt32(items[0]),
        UInt32(items[1]), UInt32(items[2]), 0, handle, kernel.arguments, nil)
    }
  }

  /// A graph that the launches of a stream make, one behind the other.
  func record(
    _ launches: [(kernel: any RuntimeKernel, geometry: LaunchGeometry)]
  ) throws -> any RuntimeRecording {
    try context.call("cuStreamBeginCapture") {
      unsafe $0.stream_begin_capture(handle, Int32(ISOMETRY_CUDA_CAPTURE_THREAD_LOCAL))
    }
    var graph: CUgraph?
    let result = Result {
      for (kernel, geometry) in launches { try launch(own(kernel), geometry) }
    }
    // A launch that failed has ended the capture too.
    try context.call("cuStreamEndCapture", "\(launches.count) launches") {
      unsafe $0.stream_end_capture(handle, &graph)
    }
    defer { context.free { unsafe $0.graph_destroy(graph) } }
    try result.get()
    return try unsafe CUDAGraph(
      context, graph, kernels: launches.map(\.kernel))
  }

  func enqueue(_ recording: any RuntimeRecording) throws {
    guard let graph = recording as? CUDAGraph else {
      preconditionFailure("a queue runs what it recorded")
    }
    try context.call("cuGraphLaunch") { unsafe $0.graph_launch(graph.handle, handle) }
  }

  // MARK: Copies

  func send(
    _ source: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int,
    after: borrowing Event?
  ) throws -> Event {
    try wait(for: after)
    return try timed { () throws(CUDAError) in
      try context.call("cuMemcpyHtoDAsync", "\(source.count) bytes") {
        unsafe $0.copy_to_device(
          own(buffer).address + CUdeviceptr(offset), source.baseAddress, source.count, handle)
      }
    }
  }

  func fetch(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws -> Event {
    try timed { () throws(CUDAError) in
      try context.call("cuMemcpyDtoHAsync", "\(destination.count) bytes") {
        unsafe $0.copy_to_host(
          destination.baseAddress, own(buffer).address + CUdeviceptr(offset), destination.count,
          handle)
      }
    }
  }

  func upload(
    _ bytes: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int
  ) throws {
    try context.call("cuMemcpyHtoDAsync", "\(bytes.count) bytes") {
      unsafe $0.copy_to_device(
        own(buffer).address + CUdeviceptr(offset), bytes.baseAddress, bytes.count, handle)
    }
    try finish()
  }

  func download(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    try context.call("cuMemcpyDtoHAsync", "\(destination.count) bytes") {
      unsafe $0.copy_to_host(
        destination.baseAddress, own(buffer).address + CUdeviceptr(offset), destination.count,
        handle)
    }
    try finish()
  }

  func copy(
    _ source: any RuntimeBuffer, into destination: any RuntimeBuffer, byteCount: Int
  ) throws -> Event {
    try timed { () throws(CUDAError) in
      try context.call("cuMemcpyDtoDAsync", "\(byteCount) bytes") {
        unsafe $0.copy(own(destination).address, own(source).address, byteCount, handle)
      }
    }
  }

  func clear(_ buffer: any RuntimeBuffer) throws {
    try context.call("cuMemsetD8Async", "\(buffer.byteCount) bytes") {
      unsafe $0.fill(own(buffer).address, 0, buffer.byteCount, handle)
    }
  }

  // MARK: Order

  func delay(until event: borrowing Event) throws {
    let event = unsafe CUDAContext.event(event.handle)
    try context.call("cuStreamWaitEvent") { unsafe $0.stream_wait(handle, event.end, 0) }
  }

  private func wait(for event: borrowing Event?) throws {
    switch event {
    case nil: return
    case let event?: try delay(until: event)
    }
  }

  func completion(after other: borrowing Event?) throws -> Event {
    try wait(for: other)
    return try timed { () throws(CUDAError) in }
  }

  /// A stream's commands are with the device at once.
  func flush() {}

  func finish() throws {
    try context.call("cuStreamSynchronize") { unsafe $0.stream_synchronize(handle) }
  }

  // MARK: Times

  /// CUDA's times are numbers of 24 bits of the milliseconds between two events.
  func setClock() throws { if hasTimes { try setClockZero() } }

  private func setClockZero() throws(CUDAError) {
    let event = try unsafe context.makeEvent(hasTimes: true)
    let zero = unsafe ClockZero(event, at: hostSeconds, context)
    try context.call("cuEventRecord") { unsafe $0.event_record(zero.event, handle) }
    self.zero.withLock { $0 = zero }
  }

  private var hostSeconds: Double { (clock.now - Self.origin) / .seconds(1) }

  /// The completion of what `body` enqueues.
  private func timed(_ body: () throws(CUDAError) -> Void) throws -> Event {
    let event = try context.events.take(context, hasTimes: hasTimes)
    var owner: Event? = unsafe Event(
      handle: OpaquePointer(Unmanaged.passUnretained(event).toOpaque()), driver: context)
    if let start = unsafe event.start {
      event.zero = zero.withLock { $0 }
      event.hostSeconds = hostSeconds
      try context.call("cuEventRecord") { unsafe $0.event_record(start, handle) }
    }
    try body()
    try context.call("cuEventRecord") { unsafe $0.event_record(event.end, handle) }
    guard let taken = owner.take() else { preconditionFailure("an event has an owner") }
    return taken
  }
}

/// A graph that is ready to run.
@safe
final class CUDAGraph: RuntimeRecording {
  let handle: CUgraphExec
  private let context: CUDAContext
  // The graph has copies of the arguments, but does not keep what they point to.
  private let kernels: [any RuntimeKernel]

  init(
    _ context: CUDAContext, _ graph: CUgraph?, kernels: [any RuntimeKernel]
  ) throws(CUDAError) {
    var handle: CUgraphExec?
    try context.call("cuGraphInstantiate", "\(kernels.count) launches") {
      unsafe $0.graph_instantiate(&handle, graph, 0)
    }
    guard let handle = unsafe handle else { preconditionFailure("a graph without a handle") }
    unsafe self.handle = unsafe handle
    self.context = context
    self.kernels = kernels
  }

  deinit { context.free { unsafe $0.graph_executable_destroy(handle) } }
}
