import COpenCL
public import DeviceRuntime

/// A device of a platform, with the properties that kernels and memory plans depend on.
///
/// Sendable: handles of root devices live as long as the process, and OpenCL's calls on them are
/// thread-safe.
@safe
public struct Device: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The platform of the device.
  public let platform: Platform
  /// The driver's name of the device.
  public let name: String
  /// The driver's name of the vendor.
  public let vendor: String
  /// The kind according to the driver.
  public let kind: DeviceKind
  /// The driver's version, in the vendor's format.
  public let driverVersion: String
  /// "OpenCL <major.minor> <vendor's text>"
  public let version: String
  /// Multiprocessors of a GPU, threads of a processor.
  public let computeUnits: Int
  /// The highest clock frequency that the driver reports.
  public let maximumClockMegahertz: Int
  /// The global memory in bytes.
  public let globalMemoryByteCount: Int
  /// The largest single buffer, in bytes.
  public let maximumBufferByteCount: Int
  /// The local memory of one work-group, in bytes.
  public let localMemoryByteCount: Int
  /// The alignment of sub-buffers in bytes. The OpenCL property is in bits.
  public let baseAddressAlignment: Int
  /// The largest work-group. Single kernels may allow fewer work-items.
  public let maximumWorkGroupSize: Int
  /// The names of the extensions, such as `cl_khr_fp16`.
  public let extensions: Set<String>
  /// Whether kernels may compute in fp64.
  public let supportsDouble: Bool
  /// CUDA's compute capability as (major, minor); nil for other vendors.
  public let computeCapability: (major: Int, minor: Int)?
  /// The place of a GPU of NVIDIA on the PCI bus.
  public let pciAddress: PCIAddress?

  /// The devices of all platforms; empty if no driver is installed.
  public static func all() throws(OpenCLError) -> [Device] {
    var devices: [Device] = []
    for platform in try Platform.all() { devices += try platform.devices() }
    return devices
  }

  init(handle: OpaquePointer, platform: Platform) throws(OpenCLError) {
    func number<Number: BitwiseCopyable>(
      _ parameter: Int32, _ initial: Number
    ) throws(OpenCLError) -> Number {
      try unsafe queryNumber("clGetDeviceInfo", initial) { size, pointer, actual in
        unsafe clGetDeviceInfo(handle, cl_device_info(parameter), size, pointer, actual)
      }
    }
    func text(_ parameter: Int32) throws(OpenCLError) -> String {
      try unsafe queryText("clGetDeviceInfo") { size, pointer, actual in
        unsafe clGetDeviceInfo(handle, cl_device_info(parameter), size, pointer, actual)
      }
    }
    unsafe self.handle = unsafe handle
    self.platform = platform
    name = try text(CL_DEVICE_NAME)
    vendor = try text(CL_DEVICE_VENDOR)
    driverVersion = try text(CL_DRIVER_VERSION)
    version = try text(CL_DEVICE_VERSION)
    let type = try number(CL_DEVICE_TYPE, cl_device_type(0))
    kind =
      type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0
      ? .gpu
      : type & cl_device_type(CL_DEVICE_TYPE_CPU) != 0
        ? .cpu
        : type & cl_device_type(CL_DEVICE_TYPE_ACCELERATOR) != 0 ? .accelerator : .other
    computeUnits = Int(try number(CL_DEVICE_MAX_COMPUTE_UNITS, cl_uint(0)))
    maximumClockMegahertz = Int(try number(CL_DEVICE_MAX_CLOCK_FREQUENCY, cl_uint(0)))
    globalMemoryByteCount = Int(try number(CL_DEVICE_GLOBAL_MEM_SIZE, cl_ulong(0)))
    maximumBufferByteCount = Int(try number(CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong(0)))
    localMemoryByteCount = Int(try number(CL_DEVICE_LOCAL_MEM_SIZE, cl_ulong(0)))
    baseAddressAlignment =
      max(Int(try number(CL_DEVICE_MEM_BASE_ADDR_ALIGN, cl_uint(0))) / 8, 1)
    maximumWorkGroupSize = try number(CL_DEVICE_MAX_WORK_GROUP_SIZE, 0)
    extensions = Set(try text(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init))
    supportsDouble = extensions.contains("cl_khr_fp64")
    computeCapability =
      extensions.contains("cl_nv_device_attribute_query")
      ? (
        major: Int(try number(Self.computeCapabilityMajor, cl_uint(0))),
        minor: Int(try number(Self.computeCapabilityMinor, cl_uint(0)))
      )
      : nil
    let bus = computeCapability == nil ? nil : try? number(Self.pciBus, cl_uint(0))
    let slot = bus == nil ? nil : try? number(Self.pciSlot, cl_uint(0))
    // The low bits of a slot are the function.
    pciAddress =
      if let bus, let slot { PCIAddress(bus: Int(bus), slot: Int(slot >> 3)) } else { nil }
  }

  // From NVIDIA's extension cl_nv_device_attribute_query.
  private static let computeCapabilityMajor: Int32 = 0x4000
  private static let computeCapabilityMinor: Int32 = 0x4001
  private static let pciBus: Int32 = 0x4008
  private static let pciSlot: Int32 = 0x4009
}

extension Device {
  /// The reason why the device cannot run PTX; nil if it can.
  package var withoutPTX: String? {
    computeCapability == nil ? "\(vendor)'s device takes no PTX" : nil
  }

  /// The reason why the device has no bf16 tensor cores; nil if it has them.
  public var withoutTensorCores: String? {
    if let withoutPTX { return withoutPTX }
    guard let computeCapability, computeCapability.major < 8 else { return nil }
    return "compute capability \(computeCapability.major).\(computeCapability.minor) is below 8.0"
  }
}
