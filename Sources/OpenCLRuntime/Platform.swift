import COpenCL

/// An implementation of OpenCL on this machine.
///
/// Sendable: platform handles live as long as the process and OpenCL's calls on them are
/// thread-safe.
@safe
public struct Platform: @unchecked Sendable {
  let handle: OpaquePointer
  /// The name of the driver.
  public let name: String
  /// The manufacturer of the driver.
  public let vendor: String
  /// "OpenCL <major.minor> <vendor's text>"
  public let version: String

  /// Whether the driver keeps compiled kernels for later processes itself. PoCL does, and would compile
  /// every kernel once more for the binary of a program.
  public var keepsKernels: Bool { name == "Portable Computing Language" }
  /// Whether programs build side by side. PoCL builds one after the other, and Oclgrind crashes.
  public var buildsSideBySide: Bool { !keepsKernels && name != "Oclgrind" }

  /// All platforms; empty if no driver is installed.
  public static func all() throws(OpenCLError) -> [Platform] {
    var count: cl_uint = 0
    let status = unsafe clGetPlatformIDs(0, nil, &count)
    // The loader returns −1001 if it finds no driver.
    if status == StatusCode.platformNotFound.rawValue || (status == 0 && count == 0) { return [] }
    try check(status, "clGetPlatformIDs")
    var handles = unsafe [OpaquePointer?](repeating: nil, count: Int(count))
    try check(unsafe clGetPlatformIDs(count, &handles, nil), "clGetPlatformIDs")
    var platforms: [Platform] = []
    for index in 0..<Int(count) {
      if let handle = unsafe handles[index] {
        platforms.append(try unsafe Platform(handle: handle))
      }
    }
    return platforms
  }

  private init(handle: OpaquePointer) throws(OpenCLError) {
    unsafe self.handle = unsafe handle
    name = try unsafe Self.text(handle, CL_PLATFORM_NAME)
    vendor = try unsafe Self.text(handle, CL_PLATFORM_VENDOR)
    version = try unsafe Self.text(handle, CL_PLATFORM_VERSION)
  }

  private static func text(_ handle: OpaquePointer, _ parameter: Int32) throws(OpenCLError)
    -> String
  {
    try unsafe queryText("clGetPlatformInfo") { size, pointer, actual in
      unsafe clGetPlatformInfo(handle, cl_platform_info(parameter), size, pointer, actual)
    }
  }

  /// The platform's devices in the driver's order.
  public func devices() throws(OpenCLError) -> [Device] {
    var count: cl_uint = 0
    let all = cl_device_type(CL_DEVICE_TYPE_ALL)
    let status = unsafe clGetDeviceIDs(handle, all, 0, nil, &count)
    if status == StatusCode.deviceNotFound.rawValue || (status == 0 && count == 0) { return [] }
    try check(status, "clGetDeviceIDs")
    var handles = unsafe [OpaquePointer?](repeating: nil, count: Int(count))
    try check(unsafe clGetDeviceIDs(handle, all, count, &handles, nil), "clGetDeviceIDs")
    var devices: [Device] = []
    for index in 0..<Int(count) {
      if let handle = unsafe handles[index] {
        devices.append(try unsafe Device(handle: handle, platform: self))
      }
    }
    return devices
  }
}

/// Reads a property that is text, without the terminating zero.
func queryText(
  _ call: StaticString,
  _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
) throws(OpenCLError) -> String {
  var size = 0
  try check(unsafe query(0, nil, &size), call)
  var bytes = [UInt8](repeating: 0, count: size)
  let status = unsafe bytes.withUnsafeMutableBytes { raw in
    unsafe query(size, raw.baseAddress, nil)
  }
  try check(status, call)
  return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}

/// Reads a property of a fixed size.
func queryNumber<Number: BitwiseCopyable>(
  _ call: StaticString, _ initial: Number,
  _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
) throws(OpenCLError) -> Number {
  var value = initial
  let status = unsafe withUnsafeMutableBytes(of: &value) { raw in
    unsafe query(raw.count, raw.baseAddress, nil)
  }
  try check(status, call)
  return value
}
