import COpenCL
import DeviceRuntime

/// A program built for a context's device.
///
/// Sendable: the handle never changes, and OpenCL's calls on programs are thread-safe.
@safe
public final class Program: @unchecked Sendable {
  package let handle: OpaquePointer
  /// The context of the program.
  public let context: Context
  /// The name in messages and the cache; not part of the source.
  public let name: String
  /// The compiler's options, including macros.
  public let options: String

  /// Compiles source text.
  ///
  /// - Parameters:
  ///   - name: the program's name in error messages.
  ///   - options: build options, such as `-DTILE_M=64 -cl-mad-enable`.
  /// - Throws: `KernelBuildError` with the compiler's log; `OpenCLError` for other failures.
  public init(_ context: Context, name: String, source: String, options: String = "") throws {
    var status: cl_int = 0
    let handle = unsafe source.withCString { text in
      var text: UnsafePointer<CChar>? = unsafe text
      return unsafe clCreateProgramWithSource(context.handle, 1, &text, nil, &status)
    }
    unsafe self.handle = unsafe try created(handle, status, "clCreateProgramWithSource", name)
    self.context = context
    self.name = name
    self.options = options
    try build()
  }

  /// Loads a binary that `binary()` returned before.
  ///
  /// - Throws: if the device's driver no longer accepts it; the source must then be compiled.
  public init(_ context: Context, name: String, binary: [UInt8], options: String = "") throws {
    var status: cl_int = 0
    var binaryStatus: cl_int = 0
    var device: OpaquePointer? = unsafe context.device.handle
    var length = binary.count
    let handle = unsafe binary.withUnsafeBufferPointer { bytes in
      var start: UnsafePointer<UInt8>? = bytes.baseAddress
      return unsafe clCreateProgramWithBinary(
        context.handle, 1, &device, &length, &start, &binaryStatus, &status)
    }
    unsafe self.handle = unsafe try created(handle, status, "clCreateProgramWithBinary", name)
    self.context = context
    self.name = name
    self.options = options
    try check(binaryStatus, "clCreateProgramWithBinary", name)
    try build()
  }

  deinit { _ = unsafe clReleaseProgram(handle) }

  private func build() throws {
    var device: OpaquePointer? = unsafe context.device.handle
    let status = unsafe clBuildProgram(handle, 1, &device, options, nil, nil)
    if status == StatusCode.buildProgramFailure.rawValue {
      let log = try unsafe queryText("clGetProgramBuildInfo") { size, pointer, actual in
        unsafe clGetProgramBuildInfo(
          handle, context.device.handle, cl_program_build_info(CL_PROGRAM_BUILD_LOG), size,
          pointer, actual)
      }
      throw KernelBuildError(kernel: name, defines: options, log: log)
    }
    try check(status, "clBuildProgram", name)
  }

  /// The binary of the program for this device.
  public func binary() throws(OpenCLError) -> [UInt8] {
    let size: Int = try unsafe queryNumber("clGetProgramInfo", 0) { size, pointer, actual in
      unsafe clGetProgramInfo(
        handle, cl_program_info(CL_PROGRAM_BINARY_SIZES), size, pointer, actual)
    }
    var bytes = [UInt8](repeating: 0, count: size)
    let status = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      var start: UnsafeMutablePointer<UInt8>? = buffer.baseAddress
      return unsafe clGetProgramInfo(
        handle, cl_program_info(CL_PROGRAM_BINARIES),
        MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &start, nil)
    }
    try check(status, "clGetProgramInfo", name)
    return bytes
  }

  /// Makes a new kernel for the entry point of that name.
  public func makeKernel(_ name: String) throws(OpenCLError) -> Kernel {
    var status: cl_int = 0
    let kernel = unsafe clCreateKernel(handle, name, &status)
    return unsafe Kernel(
      handle: try created(kernel, status, "clCreateKernel", "\(name) of \(self.name)"),
      name: name)
  }
}
