import COpenCL

/// A context for exactly one device. NVIDIA's driver serializes GPUs that share a context.
///
/// Sendable: the handle never changes, and OpenCL's calls on contexts are thread-safe.
@safe
public final class Context: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The device of the context.
  public let device: Device

  /// Opens a device. Throws an `OpenCLError` if the driver refuses it.
  public init(_ device: Device) throws(OpenCLError) {
    self.device = device
    var status: cl_int = 0
    var deviceHandle: OpaquePointer? = unsafe device.handle
    let handle = unsafe clCreateContext(nil, 1, &deviceHandle, nil, nil, &status)
    unsafe self.handle = unsafe try created(handle, status, "clCreateContext", device.name)
  }

  deinit { _ = unsafe clReleaseContext(handle) }
}
