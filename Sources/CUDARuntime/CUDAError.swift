internal import CCUDA

/// A call of CUDA's driver that failed.
public struct CUDAError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The name of the function, such as `cuLaunchKernel`.
  public let call: String
  /// The function's result, `CUDA_ERROR_OUT_OF_MEMORY`.
  public let code: String
  /// Details of the call, such as a kernel's name or a size; may be empty.
  public let detail: String
  /// What to do; may be empty.
  public let advice: String

  public var description: String {
    "\(call) failed with \(code)" + (detail.isEmpty ? "" : " (\(detail))")
      + (advice.isEmpty ? "" : ": \(advice)")
  }
}

/// CUDA is not there, or cannot be used as it is.
public struct CUDAUnavailable: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason with a remedy.
  public let description: String
  /// Whether the driver loads, and something else is missing.
  public let isDriverThere: Bool
}

extension Driver {
  /// Throws a `CUDAError` for a result other than success.
  func check(
    _ status: CUresult, _ call: StaticString, _ detail: @autoclosure () -> String = ""
  ) throws(CUDAError) {
    guard status != 0 else { return }
    var text: UnsafePointer<CChar>?
    _ = unsafe functions.error_name(status, &text)
    let code = unsafe text.map { unsafe String(cString: $0) } ?? "status \(status)"
    throw CUDAError(
      call: call.description, code: code, detail: detail(), advice: Self.advice[code] ?? "")
  }

  private static let advice = [
    "CUDA_ERROR_OUT_OF_MEMORY":
      "the GPU's memory is taken; nvidia-smi lists the processes that use it, and a smaller "
      + "--batch needs less",
    "CUDA_ERROR_DEVICE_UNAVAILABLE":
      "another process has the GPU for itself; nvidia-smi lists it, and cuda:N chooses another GPU",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION":
      "the driver is older than NVRTC; install a newer driver, or NVRTC of the driver's version",
    "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH":
      "the driver in the kernel and its libraries have different versions; restart the machine",
    "CUDA_ERROR_ILLEGAL_ADDRESS": faulted,
    "CUDA_ERROR_MISALIGNED_ADDRESS": faulted,
    "CUDA_ERROR_LAUNCH_FAILED": faulted,
    "CUDA_ERROR_LAUNCH_TIMEOUT": faulted,
    "CUDA_ERROR_ECC_UNCORRECTABLE": faulted,
    "CUDA_ERROR_HARDWARE_STACK_ERROR": faulted,
    "CUDA_ERROR_ASSERT": faulted,
  ]

  private static let faulted =
    "a kernel failed, and this process can no longer use the GPU; the last checkpoint is whole, "
    + "and --resume continues from it"
}
