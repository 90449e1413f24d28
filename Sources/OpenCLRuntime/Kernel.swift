import COpenCL
import DeviceRuntime

/// An entry point of a program with its arguments. Each call site has a separate kernel, whose
/// arguments are set once.
///
/// Not Sendable: setting arguments is the only part of OpenCL that is not thread-safe.
@safe
public final class Kernel {
  package let handle: OpaquePointer
  /// The name of the entry point.
  public let name: String
  // OpenCL does not keep the buffers of arguments alive.
  private var buffers: [Int: Buffer] = [:]

  package init(handle: OpaquePointer, name: String) {
    unsafe self.handle = unsafe handle
    self.name = name
  }

  deinit { _ = unsafe clReleaseKernel(handle) }

  /// Sets an argument to a buffer, which the kernel keeps alive.
  ///
  /// - Throws: `OpenCLError` if there is no such argument.
  public func set(_ index: Int, _ buffer: Buffer) throws(OpenCLError) {
    var handle: OpaquePointer? = unsafe buffer.handle
    try check(
      unsafe clSetKernelArg(
        self.handle, cl_uint(index), MemoryLayout<OpaquePointer?>.size, &handle),
      "clSetKernelArg", "\(name), argument \(index)")
    buffers[index] = buffer
  }

  /// Sets an argument that is a number (`Int32` for the kernel's `int`, `Float` for its `float`).
  public func set(_ index: Int, _ number: some BitwiseCopyable) throws(OpenCLError) {
    let status = unsafe withUnsafeBytes(of: number) { raw in
      unsafe clSetKernelArg(handle, cl_uint(index), raw.count, raw.baseAddress)
    }
    try check(status, "clSetKernelArg", "\(name), argument \(index)")
  }

  func set(_ index: Int, bytes: UnsafeRawBufferPointer) throws(OpenCLError) {
    try check(
      unsafe clSetKernelArg(handle, cl_uint(index), bytes.count, bytes.baseAddress),
      "clSetKernelArg", "\(name), argument \(index)")
  }
}

extension LaunchGeometry {
  func withPointers(_ body: (UnsafePointer<Int>?, UnsafePointer<Int>?) -> cl_int) -> cl_int {
    var global = global
    var local = local
    return unsafe withUnsafeBytes(of: &global) { global in
      unsafe withUnsafeBytes(of: &local) { local in
        unsafe body(
          global.baseAddress?.assumingMemoryBound(to: Int.self),
          local.baseAddress?.assumingMemoryBound(to: Int.self))
      }
    }
  }
}
