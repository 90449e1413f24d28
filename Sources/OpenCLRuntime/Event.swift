import COpenCL

/// The completion of one enqueued command.
///
/// It owns only OpenCL's object and no other memory, so that a step can make and store events without
/// allocating. `shared` makes a second owner.
///
/// Sendable: the handle never changes, and OpenCL's calls on events are thread-safe.
@safe
public struct Event: ~Copyable, @unchecked Sendable {
  package let handle: OpaquePointer

  package init(handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  deinit { _ = unsafe clReleaseEvent(handle) }

  /// Another owner of the same completion.
  public func shared() throws(OpenCLError) -> Event {
    try check(unsafe clRetainEvent(handle), "clRetainEvent")
    return unsafe Event(handle: handle)
  }

  /// Blocks until the command has finished.
  ///
  /// - Throws: also if the command failed on the device.
  public func wait() throws(OpenCLError) {
    var event: OpaquePointer? = unsafe handle
    try check(unsafe clWaitForEvents(1, &event), "clWaitForEvents")
  }

  /// Whether the command has finished or failed.
  public var isComplete: Bool {
    get throws(OpenCLError) {
      let status: cl_int = try unsafe queryNumber("clGetEventInfo", 0) { size, pointer, actual in
        unsafe clGetEventInfo(
          handle, cl_event_info(CL_EVENT_COMMAND_EXECUTION_STATUS), size, pointer, actual)
      }
      return status <= 0
    }
  }

  /// The device time of the command, in seconds.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var duration: Double {
    get throws(OpenCLError) {
      let interval = try interval
      return interval.upperBound - interval.lowerBound
    }
  }

  /// The times at which the device began and ended the command, in seconds of the device's clock.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var interval: ClosedRange<Double> {
    get throws(OpenCLError) {
      let start = try time(CL_PROFILING_COMMAND_START)
      return start...max(start, try time(CL_PROFILING_COMMAND_END))
    }
  }

  /// The times at which the host enqueued the command and submitted it to the device, in seconds of the
  /// same clock.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var preparation: (queued: Double, submitted: Double) {
    get throws(OpenCLError) {
      (try time(CL_PROFILING_COMMAND_QUEUED), try time(CL_PROFILING_COMMAND_SUBMIT))
    }
  }

  /// In seconds.
  private func time(_ parameter: Int32) throws(OpenCLError) -> Double {
    let nanoseconds = try unsafe queryNumber("clGetEventProfilingInfo", cl_ulong(0)) {
      size, pointer, actual in
      unsafe clGetEventProfilingInfo(
        handle, cl_profiling_info(parameter), size, pointer, actual)
    }
    return Double(nanoseconds) * 1e-9
  }
}

/// Calls `body` with an OpenCL wait list; without an event the list is null. It allocates nothing.
func withWaitList<Result>(
  _ event: borrowing Event?, _ body: (cl_uint, UnsafePointer<OpaquePointer?>?) -> Result
) -> Result {
  switch event {
  case nil:
    return body(0, nil)
  case let event?:
    var handle: OpaquePointer? = unsafe event.handle
    return unsafe withUnsafePointer(to: &handle) { list in unsafe body(1, list) }
  }
}
