internal import CCUDA
internal import DeviceRuntime
internal import Synchronization

/// A context of one GPU. Every call makes it the thread's own first, since CUDA's calls work on that.
///
/// Sendable: the handle never changes, and CUDA's calls are thread-safe.
@safe
final class CUDAContext: RuntimeContext, @unchecked Sendable {
  let device: CUDADevice
  let driver: Driver
  private let handle: CUcontext
  let events = EventPool()

  init(_ device: CUDADevice) throws(CUDAError) {
    self.device = device
    driver = device.library
    var handle: CUcontext?
    let status = unsafe driver.functions.context_create(&handle, 0, device.handle)
    try driver.check(status, "cuCtxCreate", device.name)
    guard let handle = unsafe handle else { preconditionFailure("a context without a handle") }
    unsafe self.handle = unsafe handle
  }

  deinit {
    _ = unsafe driver.functions.context_set_current(handle)
    events.destroy(driver)
    _ = unsafe driver.functions.context_destroy(handle)
  }

  var runtimeDevice: any RuntimeDevice { device }
  var recordsLaunches: Bool { true }

  /// Makes a call in this context.
  func call(
    _ name: StaticString, _ detail: @autoclosure () -> String = "",
    _ body: (isometry_cuda) -> CUresult
  ) throws(CUDAError) {
    try driver.check(
      unsafe driver.functions.context_set_current(handle), "cuCtxSetCurrent")
    try driver.check(body(driver.functions), name, detail())
  }

  /// Makes a call that frees something; its failure has no remedy.
  func free(_ body: (isometry_cuda) -> CUresult) {
    _ = unsafe driver.functions.context_set_current(handle)
    _ = body(driver.functions)
  }

  func makeBuffer(byteCount: Int) throws -> any RuntimeBuffer {
    try CUDABuffer(self, byteCount: byteCount)
  }

  func makeQueue(profiling: Bool) throws -> any RuntimeQueue {
    try CUDAQueue(self, hasTimes: profiling)
  }

  func options(
    _ macros: [String: String], computesInDouble: Bool, isOptimizing: Bool
  ) -> String {
    let macros = macros.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" }
    let fixed = [
      "-arch=compute_\(device.architecture)", "-default-device", "-fmad=false", "-std=c++17",
    ]
    return (macros + fixed).joined(separator: " ")
  }

  func compile(name: String, source: String, options: String) throws -> any RuntimeProgram {
    let ptx = try driver.compiler.ptx(name: name, source: source, options: options)
    return try CUDAProgram(self, name: name, ptx: ptx)
  }

  func load(name: String, binary: [UInt8], options: String) throws -> any RuntimeProgram {
    try CUDAProgram(self, name: name, ptx: binary)
  }
}

/// Memory of a context, or a region of it.
///
/// Sendable: the address never changes. The queues order the accesses to the contents.
@safe
final class CUDABuffer: RuntimeBuffer, @unchecked Sendable {
  let context: CUDAContext
  let address: CUdeviceptr
  let byteCount: Int
  // A region keeps the memory it lies in alive.
  private let parent: CUDABuffer?

  init(_ context: CUDAContext, byteCount: Int) throws(CUDAError) {
    precondition(byteCount > 0, "a buffer has at least one byte")
    var address: CUdeviceptr = 0
    try context.call("cuMemAlloc", "\(byteCount) bytes") {
      unsafe $0.memory_allocate(&address, byteCount)
    }
    self.context = context
    self.address = address
    self.byteCount = byteCount
    parent = nil
  }

  private init(_ parent: CUDABuffer, offset: Int, byteCount: Int) {
    context = parent.context
    address = parent.address + CUdeviceptr(offset)
    self.byteCount = byteCount
    self.parent = parent
  }

  deinit {
    if parent == nil { context.free { $0.memory_free(address) } }
  }

  func part(offset: Int, byteCount: Int) throws -> any RuntimeBuffer {
    precondition(
      offset >= 0 && byteCount > 0 && offset + byteCount <= self.byteCount,
      "bytes \(offset)..<\(offset + byteCount) lie outside a buffer of \(self.byteCount)")
    return CUDABuffer(self, offset: offset, byteCount: byteCount)
  }
}

/// Host memory that the copy engines access directly.
///
/// Sendable: the address never changes. Code that fills the memory and code that copies from it
/// synchronize by events.
@safe
final class CUDAPinnedMemory: RuntimePinnedMemory, @unchecked Sendable {
  private let context: CUDAContext
  let bytes: UnsafeMutableRawBufferPointer

  init(_ context: CUDAContext, byteCount: Int) throws(CUDAError) {
    var address: UnsafeMutableRawPointer?
    try context.call("cuMemHostAlloc", "\(byteCount) bytes") {
      unsafe $0.host_allocate(&address, byteCount, 0)
    }
    self.context = context
    unsafe bytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  deinit { context.free { unsafe $0.host_free(bytes.baseAddress) } }
}

/// A loaded module.
///
/// Sendable: the handle never changes, and CUDA's calls on modules are thread-safe.
@safe
final class CUDAProgram: RuntimeProgram, @unchecked Sendable {
  private let context: CUDAContext
  private let name: String
  private let ptx: [UInt8]
  private let handle: CUmodule

  init(_ context: CUDAContext, name: String, ptx: [UInt8]) throws(CUDAError) {
    self.context = context
    self.name = name
    self.ptx = ptx
    var handle: CUmodule?
    // The driver wants a zero behind the text.
    let text = ptx + [0]
    try context.call("cuModuleLoadDataEx", name) { functions in
      unsafe text.withUnsafeBytes {
        unsafe functions.module_load(&handle, $0.baseAddress, 0, nil, nil)
      }
    }
    guard let handle = unsafe handle else { preconditionFailure("a module without a handle") }
    unsafe self.handle = unsafe handle
  }

  deinit { context.free { unsafe $0.module_unload(handle) } }

  func binary() throws -> [UInt8] { ptx }

  func kernel(_ name: String) throws -> any RuntimeKernel {
    var function: CUfunction?
    try context.call("cuModuleGetFunction", "\(name) of \(self.name)") {
      unsafe $0.module_function(&function, handle, name)
    }
    guard let function = unsafe function else { preconditionFailure("no function") }
    return unsafe CUDAKernel(function, self, name: name)
  }
}

/// An entry point with its arguments, in memory that launches read.
@safe
final class CUDAKernel: RuntimeKernel {
  let name: String
  let handle: CUfunction
  /// The address of each argument's value.
  let arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let values: UnsafeMutablePointer<UInt64>
  private let program: CUDAProgram
  private var buffers: [Int: any RuntimeBuffer] = [:]
  private static let mostArguments = 64

  init(_ handle: CUfunction, _ program: CUDAProgram, name: String) {
    unsafe self.handle = unsafe handle
    self.program = program
    self.name = name
    unsafe values = .allocate(capacity: Self.mostArguments)
    unsafe values.initialize(repeating: 0, count: Self.mostArguments)
    unsafe arguments = .allocate(capacity: Self.mostArguments)
    for index in 0..<Self.mostArguments {
      unsafe (arguments + index).initialize(to: UnsafeMutableRawPointer(values + index))
    }
  }

  deinit {
    unsafe arguments.deallocate()
    unsafe values.deallocate()
  }

  func setBuffer(_ index: Int, _ buffer: any RuntimeBuffer) throws {
    precondition(index < Self.mostArguments, "\(name) has too many arguments")
    unsafe values[index] = own(buffer).address
    buffers[index] = buffer
  }

  func setNumber(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws {
    precondition(index < Self.mostArguments, "\(name) has too many arguments")
    unsafe UnsafeMutableRawBufferPointer(start: values + index, count: 8).copyMemory(from: bytes)
  }
}

/// What a backend passes back was made by the same driver.
func own(_ buffer: any RuntimeBuffer) -> CUDABuffer {
  guard let buffer = buffer as? CUDABuffer else { preconditionFailure("the buffer is not CUDA's") }
  return buffer
}

func own(_ kernel: any RuntimeKernel) -> CUDAKernel {
  guard let kernel = kernel as? CUDAKernel else { preconditionFailure("the kernel is not CUDA's") }
  return kernel
}
