import COpenCL
import DeviceRuntime

/// Takes over an event of OpenCL.
func openCLEvent(_ handle: OpaquePointer) -> Event {
  unsafe Event(handle: handle, driver: OpenCLEvents.shared)
}

/// OpenCL's calls on events.
@safe
final class OpenCLEvents: EventDriver {
  static let shared = OpenCLEvents()

  func retain(_ event: OpaquePointer) throws {
    try check(unsafe clRetainEvent(event), "clRetainEvent")
  }

  func release(_ event: OpaquePointer) { _ = unsafe clReleaseEvent(event) }

  func wait(_ event: OpaquePointer) throws {
    var event: OpaquePointer? = unsafe event
    try check(unsafe clWaitForEvents(1, &event), "clWaitForEvents")
  }

  func isComplete(_ event: OpaquePointer) throws -> Bool {
    let status: cl_int = try unsafe queryNumber("clGetEventInfo", 0) { size, pointer, actual in
      unsafe clGetEventInfo(
        event, cl_event_info(CL_EVENT_COMMAND_EXECUTION_STATUS), size, pointer, actual)
    }
    return status <= 0
  }

  func interval(_ event: OpaquePointer) throws -> ClosedRange<Double> {
    let start = try unsafe time(event, CL_PROFILING_COMMAND_START)
    return start...max(start, try unsafe time(event, CL_PROFILING_COMMAND_END))
  }

  func preparation(_ event: OpaquePointer) throws -> (queued: Double, submitted: Double) {
    (
      try unsafe time(event, CL_PROFILING_COMMAND_QUEUED),
      try unsafe time(event, CL_PROFILING_COMMAND_SUBMIT)
    )
  }

  func seconds(from first: OpaquePointer, to second: OpaquePointer) throws -> Double {
    try unsafe interval(second).upperBound - interval(first).upperBound
  }

  /// In seconds.
  private func time(_ event: OpaquePointer, _ parameter: Int32) throws -> Double {
    let nanoseconds = try unsafe queryNumber("clGetEventProfilingInfo", cl_ulong(0)) {
      size, pointer, actual in
      unsafe clGetEventProfilingInfo(event, cl_profiling_info(parameter), size, pointer, actual)
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
