/// A result code of the OpenCL interface.
public struct StatusCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number in the OpenCL headers; 0 or negative.
  public let rawValue: Int32
  /// Accepts any number, since drivers define additional codes.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// CL_DEVICE_NOT_FOUND
  public static let deviceNotFound = StatusCode(rawValue: -1)
  /// CL_BUILD_PROGRAM_FAILURE
  public static let buildProgramFailure = StatusCode(rawValue: -11)
  /// CL_MISALIGNED_SUB_BUFFER_OFFSET
  public static let misalignedSubBufferOffset = StatusCode(rawValue: -13)
  /// CL_INVALID_VALUE
  public static let invalidValue = StatusCode(rawValue: -30)
  /// CL_PLATFORM_NOT_FOUND_KHR: no driver is installed
  public static let platformNotFound = StatusCode(rawValue: -1001)

  private static let names: [Int32: String] = [
    0: "CL_SUCCESS", -1: "CL_DEVICE_NOT_FOUND", -2: "CL_DEVICE_NOT_AVAILABLE",
    -3: "CL_COMPILER_NOT_AVAILABLE", -4: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
    -5: "CL_OUT_OF_RESOURCES", -6: "CL_OUT_OF_HOST_MEMORY",
    -7: "CL_PROFILING_INFO_NOT_AVAILABLE", -8: "CL_MEM_COPY_OVERLAP",
    -9: "CL_IMAGE_FORMAT_MISMATCH", -10: "CL_IMAGE_FORMAT_NOT_SUPPORTED",
    -11: "CL_BUILD_PROGRAM_FAILURE", -12: "CL_MAP_FAILURE",
    -13: "CL_MISALIGNED_SUB_BUFFER_OFFSET",
    -14: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", -15: "CL_COMPILE_PROGRAM_FAILURE",
    -16: "CL_LINKER_NOT_AVAILABLE", -17: "CL_LINK_PROGRAM_FAILURE",
    -18: "CL_DEVICE_PARTITION_FAILED", -19: "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
    -30: "CL_INVALID_VALUE", -31: "CL_INVALID_DEVICE_TYPE", -32: "CL_INVALID_PLATFORM",
    -33: "CL_INVALID_DEVICE", -34: "CL_INVALID_CONTEXT", -35: "CL_INVALID_QUEUE_PROPERTIES",
    -36: "CL_INVALID_COMMAND_QUEUE", -37: "CL_INVALID_HOST_PTR", -38: "CL_INVALID_MEM_OBJECT",
    -39: "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR", -40: "CL_INVALID_IMAGE_SIZE",
    -41: "CL_INVALID_SAMPLER", -42: "CL_INVALID_BINARY", -43: "CL_INVALID_BUILD_OPTIONS",
    -44: "CL_INVALID_PROGRAM", -45: "CL_INVALID_PROGRAM_EXECUTABLE",
    -46: "CL_INVALID_KERNEL_NAME", -47: "CL_INVALID_KERNEL_DEFINITION",
    -48: "CL_INVALID_KERNEL", -49: "CL_INVALID_ARG_INDEX", -50: "CL_INVALID_ARG_VALUE",
    -51: "CL_INVALID_ARG_SIZE", -52: "CL_INVALID_KERNEL_ARGS",
    -53: "CL_INVALID_WORK_DIMENSION", -54: "CL_INVALID_WORK_GROUP_SIZE",
    -55: "CL_INVALID_WORK_ITEM_SIZE", -56: "CL_INVALID_GLOBAL_OFFSET",
    -57: "CL_INVALID_EVENT_WAIT_LIST", -58: "CL_INVALID_EVENT", -59: "CL_INVALID_OPERATION",
    -60: "CL_INVALID_GL_OBJECT", -61: "CL_INVALID_BUFFER_SIZE", -62: "CL_INVALID_MIP_LEVEL",
    -63: "CL_INVALID_GLOBAL_WORK_SIZE", -64: "CL_INVALID_PROPERTY",
    -65: "CL_INVALID_IMAGE_DESCRIPTOR", -66: "CL_INVALID_COMPILER_OPTIONS",
    -67: "CL_INVALID_LINKER_OPTIONS", -68: "CL_INVALID_DEVICE_PARTITION_COUNT",
    -1001: "CL_PLATFORM_NOT_FOUND_KHR",
  ]

  /// The code's name in the OpenCL headers, or its number if they have no name for it.
  public var description: String { Self.names[rawValue] ?? "status \(rawValue)" }
}

/// A call of the OpenCL interface that failed.
public struct OpenCLError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name of the function, such as `clEnqueueNDRangeKernel`.
  public let call: String
  /// The function's result.
  public let code: StatusCode
  /// Details of the call, such as a kernel's name or a size; may be empty.
  public let detail: String

  /// Makes the error of a call.
  public init(call: String, code: StatusCode, detail: String = "") {
    self.call = call
    self.code = code
    self.detail = detail
  }

  public var description: String {
    "\(call) failed with \(code)" + (detail.isEmpty ? "" : " (\(detail))")
  }
}

/// Throws an `OpenCLError` for a status other than success.
func check(
  _ status: Int32, _ call: StaticString, _ detail: @autoclosure () -> String = ""
) throws(OpenCLError) {
  guard status != 0 else { return }
  throw OpenCLError(
    call: call.description, code: StatusCode(rawValue: status), detail: detail())
}

/// The handle that a creating call returned. It throws the reported error instead.
func created(
  _ handle: OpaquePointer?, _ status: Int32, _ call: StaticString,
  _ detail: @autoclosure () -> String = ""
) throws(OpenCLError) -> OpaquePointer {
  try check(status, call, detail())
  guard let handle = unsafe handle else {
    throw OpenCLError(call: call.description, code: .invalidValue, detail: "no handle returned")
  }
  return unsafe handle
}
