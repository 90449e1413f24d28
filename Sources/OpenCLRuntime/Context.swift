import COpenCL

/// A context for exactly one device: contexts shared by several GPUs serialize them on NVIDIA.
///
/// Sendable: the handle never changes, and OpenCL's calls on contexts are thread-safe.
@safe
public final class Context: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The one device of the context.
  public let device: Device

  /// - Throws: `OpenCLError` where the driver refuses the device.
  public init(_ device: Device) throws(OpenCLError) {
    self.device = device
    var status: cl_int = 0
    var deviceHandle: OpaquePointer? = unsafe device.handle
    let handle = unsafe clCreateContext(nil, 1, &deviceHandle, nil, nil, &status)
    unsafe self.handle = unsafe try created(handle, status, "clCreateContext", device.name)
  }

  deinit { _ = unsafe clReleaseContext(handle) }
}
