public import DeviceRuntime

// OpenCL behind the protocols that backends use.

extension Device: RuntimeDevice {
  public var driverName: String { "opencl" }
  public var driver: String { "\(platform.name) \(driverVersion)" }
  public var driverDescription: String { "\(platform.name), driver \(driverVersion)" }
  public var maximumGroups: InlineArray<3, Int> { [Int.max, Int.max, Int.max] }
  public var keepsKernels: Bool { platform.keepsKernels }
  public var buildsSideBySide: Bool { platform.buildsSideBySide }
  public var programKey: [String] {
    [platform.name, platform.version, name, version, driverVersion]
  }

  public func open() throws -> any RuntimeContext { try Context(self) }
}

extension Context: RuntimeContext {
  public var runtimeDevice: any RuntimeDevice { device }
  public var recordsLaunches: Bool { (try? CommandBuffer.isSupported(by: device)) ?? false }

  public func makeBuffer(byteCount: Int) throws -> any RuntimeBuffer {
    try Buffer(self, byteCount: byteCount)
  }

  public func makeQueue(profiling: Bool) throws -> any RuntimeQueue {
    try CommandQueue(self, profiling: profiling)
  }

  public func options(
    _ macros: [String: String], computesInDouble: Bool, isOptimizing: Bool
  ) -> String {
    var options = macros.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" }
    // Literals have no suffix in the kernels; without double arithmetic they are floats.
    if !computesInDouble { options.append("-cl-single-precision-constant") }
    if !isOptimizing { options.append("-cl-opt-disable") }
    return options.joined(separator: " ")
  }

  public func compile(
    name: String, source: String, options: String
  ) throws -> any RuntimeProgram {
    try Program(self, name: name, source: source, options: options)
  }

  public func load(name: String, binary: [UInt8], options: String) throws -> any RuntimeProgram {
    try Program(self, name: name, binary: binary, options: options)
  }
}

extension Buffer: RuntimeBuffer {
  public func part(offset: Int, byteCount: Int) throws -> any RuntimeBuffer {
    try region(offset: offset, byteCount: byteCount)
  }
}

extension PinnedMemory: RuntimePinnedMemory {}

extension Program: RuntimeProgram {
  public func kernel(_ name: String) throws -> any RuntimeKernel { try makeKernel(name) }
}

extension Kernel: RuntimeKernel {
  public func setBuffer(_ index: Int, _ buffer: any RuntimeBuffer) throws {
    try set(index, own(buffer))
  }

  public func setNumber(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws {
    try unsafe set(index, bytes: bytes)
  }
}

extension CommandBuffer: RuntimeRecording {}

extension CommandQueue: RuntimeQueue {
  public var owner: any RuntimeContext { context }

  public func makePinnedMemory(byteCount: Int) throws -> any RuntimePinnedMemory {
    try PinnedMemory(self, byteCount: byteCount)
  }

  public func enqueue(_ kernel: any RuntimeKernel, _ geometry: LaunchGeometry) throws {
    try launch(own(kernel), geometry)
  }

  public func enqueueTimed(
    _ kernel: any RuntimeKernel, _ geometry: LaunchGeometry
  ) throws -> Event {
    try timedLaunch(own(kernel), geometry)
  }

  public func record(
    _ launches: [(kernel: any RuntimeKernel, geometry: LaunchGeometry)]
  ) throws -> any RuntimeRecording {
    try CommandBuffer(launches.map { (own($0.kernel), $0.geometry) }, for: self)
  }

  public func enqueue(_ recording: any RuntimeRecording) throws {
    guard let commands = recording as? CommandBuffer else {
      preconditionFailure("a queue runs what it recorded")
    }
    try run(commands)
  }

  public func send(
    _ source: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int,
    after: borrowing Event?
  ) throws -> Event {
    try unsafe write(source, to: own(buffer), offset: offset, after: after)
  }

  public func fetch(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws -> Event {
    try unsafe read(own(buffer), offset: offset, into: destination)
  }

  public func upload(
    _ bytes: UnsafeRawBufferPointer, to buffer: any RuntimeBuffer, offset: Int
  ) throws {
    try unsafe write(bytes, waitingFor: own(buffer), offset: offset)
  }

  public func download(
    _ buffer: any RuntimeBuffer, offset: Int, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    try unsafe read(own(buffer), waitingAt: offset, into: destination)
  }

  public func copy(
    _ source: any RuntimeBuffer, into destination: any RuntimeBuffer, byteCount: Int
  ) throws -> Event {
    try copy(own(source), to: own(destination), byteCount: byteCount)
  }

  public func clear(_ buffer: any RuntimeBuffer) throws { try fill(own(buffer)) }

  public func delay(until event: borrowing Event) throws { try wait(for: event) }

  public func completion(after other: borrowing Event?) throws -> Event {
    try marker(after: other)
  }

  /// The driver's clock is always exact.
  public func setClock() {}
}

/// What a backend passes back was made by the same driver.
private func own(_ buffer: any RuntimeBuffer) -> Buffer {
  guard let buffer = buffer as? Buffer else { preconditionFailure("the buffer is not OpenCL's") }
  return buffer
}

private func own(_ kernel: any RuntimeKernel) -> Kernel {
  guard let kernel = kernel as? Kernel else { preconditionFailure("the kernel is not OpenCL's") }
  return kernel
}
