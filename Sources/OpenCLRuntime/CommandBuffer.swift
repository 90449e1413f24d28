import COpenCL
public import DeviceRuntime

/// Launches that are recorded once and then enqueued together as one command (the extension
/// cl_khr_command_buffer).
///
/// Not Sendable, because kernels are not.
@safe
public final class CommandBuffer {
  private let handle: OpaquePointer
  private let functions: Functions
  private let kernels: [Kernel]

  /// Whether the device can record launches and have the same recording in its queue more than once.
  ///
  /// - Throws: `OpenCLError` if the driver does not answer.
  public static func isSupported(by device: Device) throws(OpenCLError) -> Bool {
    guard device.extensions.contains(CL_KHR_COMMAND_BUFFER_EXTENSION_NAME) else { return false }
    let capabilities = try unsafe queryNumber(
      "clGetDeviceInfo", cl_device_command_buffer_capabilities_khr(0)
    ) { size, pointer, actual in
      unsafe clGetDeviceInfo(
        device.handle, cl_device_info(CL_DEVICE_COMMAND_BUFFER_CAPABILITIES_KHR), size, pointer,
        actual)
    }
    let wanted = cl_device_command_buffer_capabilities_khr(
      CL_COMMAND_BUFFER_CAPABILITY_SIMULTANEOUS_USE_KHR)
    return unsafe capabilities & wanted != 0 && Functions(device.platform) != nil
  }

  /// Records launches with the current arguments of their kernels. They run one after the other.
  ///
  /// - Precondition: the queue's device is one that `isSupported(by:)`.
  /// - Throws: `OpenCLError` if the driver refuses the recording.
  public init(
    _ launches: [(kernel: Kernel, geometry: LaunchGeometry)], for queue: CommandQueue
  ) throws(OpenCLError) {
    guard let functions = unsafe Functions(queue.context.device.platform) else {
      preconditionFailure("launches are recorded on devices that can")
    }
    let properties = [
      cl_command_buffer_properties_khr(CL_COMMAND_BUFFER_FLAGS_KHR),
      cl_command_buffer_properties_khr(CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR), 0,
    ]
    var status: cl_int = 0
    var queueHandle: OpaquePointer? = unsafe queue.handle
    let handle = unsafe functions.create(1, &queueHandle, properties, &status)
    unsafe self.handle = unsafe try created(handle, status, "clCreateCommandBufferKHR")
    unsafe self.functions = unsafe functions
    kernels = launches.map(\.kernel)
    for (kernel, geometry) in launches {
      let status = unsafe geometry.withPointers { global, local in
        unsafe functions.record(
          self.handle, nil, nil, kernel.handle, 3, nil, global, local, 0, nil, nil, nil)
      }
      try check(status, "clCommandNDRangeKernelKHR", kernel.name)
    }
    try check(
      unsafe functions.finalize(self.handle), "clFinalizeCommandBufferKHR",
      "\(launches.count) launches")
  }

  deinit { _ = unsafe functions.release(handle) }

  fileprivate func enqueue(on queue: CommandQueue) throws(OpenCLError) {
    var queueHandle: OpaquePointer? = unsafe queue.handle
    try check(
      unsafe functions.enqueue(1, &queueHandle, handle, 0, nil, nil),
      "clEnqueueCommandBufferKHR", "\(kernels.count) launches")
  }
}

extension CommandQueue {
  /// Enqueues launches that were recorded for this queue. It allocates nothing.
  public func run(_ commands: CommandBuffer) throws(OpenCLError) {
    try commands.enqueue(on: self)
  }
}

/// The extension's entry points, which loaders do not export.
@unsafe
private struct Functions {
  let create: clCreateCommandBufferKHR_fn
  let finalize: clFinalizeCommandBufferKHR_fn
  let release: clReleaseCommandBufferKHR_fn
  let record: clCommandNDRangeKernelKHR_fn
  let enqueue: clEnqueueCommandBufferKHR_fn

  init?(_ platform: Platform) {
    func find(_ name: String) -> UnsafeMutableRawPointer? {
      unsafe clGetExtensionFunctionAddressForPlatform(platform.handle, name)
    }
    guard let create = unsafe find("clCreateCommandBufferKHR"),
      let finalize = unsafe find("clFinalizeCommandBufferKHR"),
      let release = unsafe find("clReleaseCommandBufferKHR"),
      let record = unsafe find("clCommandNDRangeKernelKHR"),
      let enqueue = unsafe find("clEnqueueCommandBufferKHR")
    else { return nil }
    unsafe self.create = unsafe unsafeBitCast(create, to: clCreateCommandBufferKHR_fn.self)
    unsafe self.finalize = unsafe unsafeBitCast(finalize, to: clFinalizeCommandBufferKHR_fn.self)
    unsafe self.release = unsafe unsafeBitCast(release, to: clReleaseCommandBufferKHR_fn.self)
    unsafe self.record = unsafe unsafeBitCast(record, to: clCommandNDRangeKernelKHR_fn.self)
    unsafe self.enqueue = unsafe unsafeBitCast(enqueue, to: clEnqueueCommandBufferKHR_fn.self)
  }
}
