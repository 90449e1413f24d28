/// The kind of a device according to its driver.
public enum DeviceKind: String, Sendable, Hashable {
  case cpu, gpu, accelerator, other
}

/// A place on the PCI bus, by which two drivers name the same GPU.
public struct PCIAddress: Sendable, Hashable {
  /// The number of the bus.
  public let bus: Int
  /// The number on the bus.
  public let slot: Int

  /// Makes an address.
  public init(bus: Int, slot: Int) {
    self.bus = bus
    self.slot = slot
  }
}

/// A device of some driver, with the properties that kernels and memory plans depend on. Opening it makes
/// a context, from which everything else is made.
public protocol RuntimeDevice: Sendable {
  /// The driver's name of the device.
  var name: String { get }
  /// The driver in the names of devices, `opencl`.
  var driverName: String { get }
  /// The name and version of the driver, by which measurements on the device are kept.
  var driver: String { get }
  /// The same in words.
  var driverDescription: String { get }
  /// The kind according to the driver.
  var kind: DeviceKind { get }
  /// Multiprocessors of a GPU, threads of a processor.
  var computeUnits: Int { get }
  /// The global memory in bytes.
  var globalMemoryByteCount: Int { get }
  /// The largest single buffer, in bytes.
  var maximumBufferByteCount: Int { get }
  /// The alignment of regions of buffers in bytes.
  var baseAddressAlignment: Int { get }
  /// The most groups of a launch along each axis.
  var maximumGroups: InlineArray<3, Int> { get }
  /// Whether kernels may compute in fp64.
  var supportsDouble: Bool { get }
  /// CUDA's compute capability as (major, minor); nil for other vendors.
  var computeCapability: (major: Int, minor: Int)? { get }
  /// The device's place on the PCI bus; nil if the driver does not say.
  var pciAddress: PCIAddress? { get }
  /// The reason why the device has no bf16 tensor cores; nil if it has them.
  var withoutTensorCores: String? { get }
  /// Whether the driver keeps compiled kernels for later processes itself.
  var keepsKernels: Bool { get }
  /// Whether programs build side by side.
  var buildsSideBySide: Bool { get }
  /// What the compiled form of a program depends on, beside its source and options.
  var programKey: [String] { get }

  /// Opens the device. Throws the driver's error if it refuses.
  func open() throws -> any RuntimeContext
}

/// An open device.
public protocol RuntimeContext: AnyObject, Sendable {
  /// The device of the context.
  var runtimeDevice: any RuntimeDevice { get }
  /// Whether a queue can record launches and have the same recording more than once.
  var recordsLaunches: Bool { get }

  /// Allocates uninitialized device memory of a positive size.
  func makeBuffer(byteCount: Int) throws -> any RuntimeBuffer
  /// An in-order queue; with `profiling`, its events have times.
  func makeQueue(profiling: Bool) throws -> any RuntimeQueue
  /// The compiler's options for macros and their values.
  ///
  /// - Parameters:
  ///   - computesInDouble: whether literals without a suffix are fp64.
  ///   - isOptimizing: whether kernels are optimized, if the compiler has the choice.
  func options(
    _ macros: [String: String], computesInDouble: Bool, isOptimizing: Bool
  ) -> String
  /// Compiles source text.
  ///
  /// - Throws: `KernelBuildError` with the compiler's log; the driver's error for other failures.
  func compile(name: String, source: String, options: String) throws -> any RuntimeProgram
  /// Loads what `binary()` of a program returned before.
  ///
  /// - Throws: if the driver no longer accepts it; the source must then be compiled.
  func load(name: String, binary: [UInt8], options: String) throws -> any RuntimeProgram
}

/// Memory of a context, or a region of such memory.
public protocol RuntimeBuffer: AnyObject, Sendable {
  /// The size in bytes.
  var byteCount: Int { get }
  /// The part `offset..<offset + byteCount` of this memory as a separate buffer. The offset is a multiple of
  /// the device's `baseAddressAlignment`.
  func part(offset: Int, byteCount: Int) throws -> any RuntimeBuffer
}

/// Host memory that the device's copy engines access directly.
public protocol RuntimePinnedMemory: AnyObject, Sendable {
  /// The memory, valid while this object lives.
  var bytes: UnsafeMutableRawBufferPointer { get }
}

/// A program built for a context's device.
public protocol RuntimeProgram: AnyObject, Sendable {
  /// The compiled form, for `RuntimeContext.load`.
  func binary() throws -> [UInt8]
  /// Makes a new kernel for the entry point of that name.
  func kernel(_ name: String) throws -> any RuntimeKernel
}

/// An entry point of a program with its arguments, which are set once. Not Sendable.
public protocol RuntimeKernel: AnyObject {
  /// The name of the entry point.
  var name: String { get }
  /// Sets an argument to a buffer, which the kernel keeps alive.
  func setBuffer(_ index: Int, _ buffer: any RuntimeBuffer) throws
  /// Sets an argument that is a number of 4 or 8 bytes.
  func setNumber(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws
}

extension RuntimeKernel {
  /// Sets an argument that is a number (`UInt32` for the kernel's `int`, `Float` for its `float`).
  public func set(_ index: Int, number: some BitwiseCopyable) throws {
    try withUnsafeBytes(of: number) { try setNumber(index, $0) }
  }
}

/// Launches that are recorded once and then run together as one command.
public protocol RuntimeRecording: AnyObject {}

/// An in-order queue of commands to a device.
public protocol RuntimeQueue: AnyObject, Sendable {
  /// The context whose buffers and kernels the commands may use.
  var owner: any RuntimeContext { get }

  /// Allocates pinned host memory of a positive size.
  func makePinnedMemory(byteCount: Int) throws -> any RuntimePinnedMemory

  /// Enqueues a launch. It allocates nothing.
  func enqueue(_ kernel: any RuntimeKernel, _ geometry: LaunchGeometry) throws
  /// Enqueues a launch of a queue with times, and returns its completion.
  func enqueueTimed(_ kernel: any RuntimeKernel, _ geometry: LaunchGeometry) throws -> Event
  /// Records launches with the current arguments of their kernels. They run one after the other.
  func record(
    _ launches: [(kernel: any RuntimeKernel, geometry: LaunchGeometry)]
  ) throws -> any RuntimeRecording
  /// Enqueues launches that were recorded for this queue. It allocates nothing.
  func enqueue(_ recording: any RuntimeRecording) throws

  /// Enqueues a copy of host memory into a buffer, after an event if one is given.
  ///
  /// - Precondition: `source` is unchanged until the returned event is complete.
  func send(
    _ source: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int,
    after: borrowing Event?
  ) throws -> Event
  /// Enqueues a copy of a buffer into host memory without waiting for it.
  ///
  /// - Precondition: `destination` is valid and not read until the returned event is complete.
  func fetch(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws -> Event
  /// Copies bytes into a buffer and waits for the copy.
  func upload(_ bytes: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int) throws
  /// Copies a part of a buffer into host memory and waits for the copy.
  func download(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws
  /// Enqueues a copy of the first bytes of a buffer into another one.
  func copy(
    _ source: any RuntimeBuffer, into destination: any RuntimeBuffer, byteCount: Int
  ) throws -> Event
  /// Sets every byte of a buffer to zero.
  func clear(_ buffer: any RuntimeBuffer) throws

  /// Delays later commands of this queue until an event, possibly of another queue, is complete.
  func delay(until event: borrowing Event) throws
  /// The completion of all commands so far, and of a command of another queue if given.
  func completion(after other: borrowing Event?) throws -> Event
  /// Submits all enqueued commands to the device.
  func flush() throws
  /// Blocks until all enqueued commands are complete.
  func finish() throws
  /// Times of later commands are exact to a microsecond for the next minutes.
  func setClock() throws
}

extension RuntimeQueue {
  /// The completion of all commands so far.
  public func completion() throws -> Event { try completion(after: nil) }

  /// Copies elements into a buffer and waits for the copy.
  public func upload<Element: BitwiseCopyable>(
    _ elements: [Element], into buffer: any RuntimeBuffer, offset: Int = 0
  ) throws {
    if elements.isEmpty { return }
    try elements.withUnsafeBytes { try upload($0, to: buffer, offset: offset) }
  }

  /// The bytes of a buffer from `offset` on. It waits for all earlier commands.
  public func bytes(of buffer: any RuntimeBuffer, offset: Int, count: Int) throws -> [UInt8] {
    if count == 0 { return [] }
    return try [UInt8](unsafeUninitializedCapacity: count) { memory, initialized in
      try download(buffer, offset: offset, into: UnsafeMutableRawBufferPointer(memory))
      initialized = count
    }
  }
}

/// The number of work-items of a launch, and their groups.
public struct LaunchGeometry: Sendable {
  /// Groups along each axis.
  public let groups: InlineArray<3, Int>
  /// Work-items along each axis; a multiple of `local`.
  public let global: InlineArray<3, Int>
  /// Work-items of a group along each axis.
  public let local: InlineArray<3, Int>

  /// A range of work-items; `groups` and `local` are positive.
  public init(groups: InlineArray<3, Int>, local: InlineArray<3, Int>) {
    for axis in 0..<3 {
      precondition(groups[axis] > 0 && local[axis] > 0, "a launch has at least one work-item")
    }
    self.groups = groups
    global = [groups[0] * local[0], groups[1] * local[1], groups[2] * local[2]]
    self.local = local
  }

  /// Makes a geometry of one axis with enough groups of `local` work-items for `count` work-items.
  public init(covering count: Int, by local: Int) {
    self.init(groups: [(count + local - 1) / local, 1, 1], local: [local, 1, 1])
  }
}

/// A program that the device's compiler refused.
public struct KernelBuildError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The program's name in the package, such as `convolution`.
  public let kernel: String
  /// The build options, such as `-DTILE_M=64 …`.
  public let defines: String
  /// The compiler's whole log.
  public let log: String

  /// Makes the error of a program.
  public init(kernel: String, defines: String, log: String) {
    self.kernel = kernel
    self.defines = defines
    self.log = log
  }

  public var description: String {
    "the device's compiler refused \(kernel) with \(defines):\n\(log)"
  }
}
