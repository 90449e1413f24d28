internal import CCUDA
public import DeviceRuntime

/// A GPU of CUDA's driver.
public struct CUDADevice: RuntimeDevice {
  let library: Driver
  let handle: CUdevice
  public let name: String
  public let computeUnits: Int
  /// The highest clock frequency that the driver reports.
  public let maximumClockMegahertz: Int
  public let globalMemoryByteCount: Int
  public let capability: (major: Int, minor: Int)
  public let pciAddress: PCIAddress?

  /// The GPUs in the driver's order; empty if it finds none.
  ///
  /// - Parameter nvrtc: the path of NVRTC's library; nil to look where it is usually installed.
  /// - Throws: `CUDAUnavailable` if the driver or NVRTC is missing or they do not fit together.
  public static func all(nvrtc: String? = nil) throws -> [CUDADevice] {
    let driver: Driver
    do {
      driver = try Driver.loaded(nvrtc: nvrtc)
    } catch let error as CUDAError where error.code == "CUDA_ERROR_NO_DEVICE" {
      return []
    }
    var count: Int32 = 0
    try driver.check(unsafe driver.functions.device_count(&count), "cuDeviceGetCount")
    return try (0..<count).map { try CUDADevice(driver, number: $0) }
  }

  private init(_ driver: Driver, number: Int32) throws(CUDAError) {
    library = driver
    var handle: CUdevice = 0
    try driver.check(unsafe driver.functions.device(&handle, number), "cuDeviceGet")
    self.handle = handle
    var text = [CChar](repeating: 0, count: 256)
    try driver.check(
      unsafe driver.functions.device_name(&text, Int32(text.count), handle), "cuDeviceGetName")
    name = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var byteCount = 0
    try driver.check(
      unsafe driver.functions.device_memory(&byteCount, handle), "cuDeviceTotalMem")
    globalMemoryByteCount = byteCount
    func attribute(_ number: Int) throws(CUDAError) -> Int {
      var value: Int32 = 0
      try driver.check(
        unsafe driver.functions.device_attribute(&value, Int32(number), handle),
        "cuDeviceGetAttribute")
      return Int(value)
    }
    computeUnits = try attribute(ISOMETRY_CUDA_MULTIPROCESSORS)
    maximumClockMegahertz = try attribute(ISOMETRY_CUDA_CLOCK_KILOHERTZ) / 1000
    pciAddress = PCIAddress(
      bus: try attribute(ISOMETRY_CUDA_PCI_BUS), slot: try attribute(ISOMETRY_CUDA_PCI_DEVICE))
    capability = (
      major: try attribute(ISOMETRY_CUDA_CAPABILITY_MAJOR),
      minor: try attribute(ISOMETRY_CUDA_CAPABILITY_MINOR)
    )
  }

  public var driverName: String { "cuda" }
  public var driverDescription: String { driver }
  public var driver: String {
    "CUDA \(Driver.text(library.version)), NVRTC \(Driver.text(library.compiler.version))"
  }
  public var kind: DeviceKind { .gpu }
  public var maximumBufferByteCount: Int { globalMemoryByteCount }
  public var baseAddressAlignment: Int { 256 }
  public var maximumGroups: InlineArray<3, Int> { [Int(Int32.max), 65535, 65535] }
  public var supportsDouble: Bool { true }
  public var computeCapability: (major: Int, minor: Int)? { capability }
  public var withoutTensorCores: String? {
    capability.major < 8
      ? "compute capability \(capability.major).\(capability.minor) is below 8.0" : nil
  }
  /// The driver keeps what it makes of PTX, but not the PTX.
  public var keepsKernels: Bool { false }
  public var buildsSideBySide: Bool { true }
  public var programKey: [String] {
    ["CUDA C++", "NVRTC \(library.compiler.version)", "sm_\(architecture)"]
  }

  /// The number in `sm_90`.
  var architecture: Int { 10 * capability.major + capability.minor }

  /// - Throws: `CUDAUnavailable` if NVRTC does not compile for the GPU; `CUDAError`.
  public func open() throws -> any RuntimeContext {
    guard library.compiler.architectures.contains(architecture) else {
      throw CUDAUnavailable(
        description: "NVRTC \(Driver.text(library.compiler.version)) (\(library.compiler.path)) "
          + "does not compile for \(name), sm_\(architecture); set ISOMETRY_NVRTC to another "
          + "version, or use --device opencl", isDriverThere: true)
    }
    return try CUDAContext(self)
  }
}
