import COpenCL

/// One entry point of a program with its arguments. A launch site has a kernel of its own, whose
/// arguments are set once.
///
/// Not Sendable: setting arguments is the one part of OpenCL that is not thread-safe.
@safe
public final class Kernel {
  package let handle: OpaquePointer
  /// The entry point.
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
  /// - Throws: `OpenCLError` where there is no such argument.
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
    var number = number
    let status = unsafe withUnsafeBytes(of: &number) { raw in
      unsafe clSetKernelArg(handle, cl_uint(index), raw.count, raw.baseAddress)
    }
    try check(status, "clSetKernelArg", "\(name), argument \(index)")
  }
}

/// How many work-items a launch has, and in which groups.
public struct LaunchGeometry: Sendable {
  /// Work-items along each axis; a multiple of `local`.
  public let global: InlineArray<3, Int>
  /// Work-items of a group along each axis.
  public let local: InlineArray<3, Int>

  /// - Precondition: `groups` and `local` are positive.
  public init(groups: InlineArray<3, Int>, local: InlineArray<3, Int>) {
    for axis in 0..<3 {
      precondition(groups[axis] > 0 && local[axis] > 0, "a launch has at least one work-item")
    }
    global = [groups[0] * local[0], groups[1] * local[1], groups[2] * local[2]]
    self.local = local
  }

  /// Calls `body` with `global` and `local` as OpenCL takes them.
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

  /// Enough groups of `local` work-items along one axis for `count` work-items.
  public init(covering count: Int, by local: Int) {
    self.init(groups: [(count + local - 1) / local, 1, 1], local: [local, 1, 1])
  }
}
