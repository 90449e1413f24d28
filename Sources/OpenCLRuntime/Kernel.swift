import COpenCL

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
    var number = number
    let status = unsafe withUnsafeBytes(of: &number) { raw in
      unsafe clSetKernelArg(handle, cl_uint(index), raw.count, raw.baseAddress)
    }
    try check(status, "clSetKernelArg", "\(name), argument \(index)")
  }
}

/// The number of work-items of a launch, and their groups.
public struct LaunchGeometry: Sendable {
  /// Work-items along each axis; a multiple of `local`.
  public let global: InlineArray<3, Int>
  /// Work-items of a group along each axis.
  public let local: InlineArray<3, Int>

  /// A range of work-items; `groups` and `local` are positive.
  public init(groups: InlineArray<3, Int>, local: InlineArray<3, Int>) {
    for axis in 0..<3 {
      precondition(groups[axis] > 0 && local[axis] > 0, "a launch has at least one work-item")
    }
    global = [groups[0] * local[0], groups[1] * local[1], groups[2] * local[2]]
    self.local = local
  }

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

  /// Makes a geometry of one axis with enough groups of `local` work-items for `count` work-items.
  public init(covering count: Int, by local: Int) {
    self.init(groups: [(count + local - 1) / local, 1, 1], local: [local, 1, 1])
  }
}
