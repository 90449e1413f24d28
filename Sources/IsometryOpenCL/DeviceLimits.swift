internal import DeviceRuntime
import IsometryCore
import IsometryGraph
internal import IsometryLowering

/// Checks a graph's memory and counts before anything is allocated, since drivers report too large
/// a buffer late, in other words, or not at all.
struct DeviceLimits {
  private let device: String
  private let batch: Int?
  private let bytesOfBuffer: Int
  private let bytesOfDevice: Int
  /// Whether the device's memory is the machine's, which others use too.
  private let sharesMemory: Bool
  private let groups: InlineArray<3, Int>

  init(_ shared: SharedDevice, _ graph: Graph) {
    let device = shared.context.runtimeDevice
    self.device = device.name
    bytesOfBuffer = shared.bufferLimit
    bytesOfDevice = device.globalMemoryByteCount
    sharesMemory = device.kind == .cpu
    groups = device.maximumGroups
    batch = graph.batch
  }

  /// The memory of a step; `allocated` is what the session has already.
  func requireStep(_ memory: StepMemory, beside allocated: Int) throws(DeviceLimitError) {
    try requireBuffer(
      "activations and gradients", byteCount: memory.arena.slabByteCounts.max() ?? 0)
    try requireBuffer("inputs", byteCount: memory.inputByteCount)
    try requireMemory(
      "a step", byteCount: memory.arena.byteCount + memory.inputByteCount, beside: allocated)
  }

  /// The reason why a session with that memory cannot be made now; nil if it can.
  func obstacle(
    to memory: StepMemory, of graph: Graph, beside variables: Int
  ) -> DeviceLimitError? {
    do {
      for type in graph.types { try requireCountable(type) }
      try requireBuffer("variables", byteCount: variables)
      try requireStep(memory, beside: variables)
      return nil
    } catch {
      return error
    }
  }

  func requireBuffer(_ what: String, byteCount: Int) throws(DeviceLimitError) {
    try require(.bytesOfBuffer, what, byteCount, atMost: bytesOfBuffer)
  }

  /// - Parameters:
  ///   - byteCount: what is to be allocated.
  ///   - allocated: what the session has already, which counts towards the device's size.
  func requireMemory(
    _ what: String, byteCount: Int, beside allocated: Int
  ) throws(DeviceLimitError) {
    try require(.bytesOfDevice, what, byteCount + allocated, atMost: bytesOfDevice)
    if sharesMemory {
      try require(.freeBytesOfDevice, what, byteCount, atMost: FreeMemory.byteCount)
    }
  }

  func requireCountable(_ type: TensorType) throws(DeviceLimitError) {
    try require(
      .elementsOfTensor, "a tensor \(type)", type.shape.elementCount, atMost: Int(Int32.max))
  }

  /// A word of a kernel's arguments or tables, which it reads as `int` or `uint`.
  func word(_ number: Int, of what: @autoclosure () -> String) throws(DeviceLimitError) -> UInt32 {
    if let word = UInt32(exactly: number) { return word }
    if let word = Int32(exactly: number) { return UInt32(bitPattern: word) }
    throw error(.numberInKernel, what(), number, atMost: Int(UInt32.max))
  }

  /// The groups of a launch along its axes.
  func requireGroups(_ wanted: [Int], of what: String) throws(DeviceLimitError) {
    for axis in 0..<3 { try require(.groupsOfLaunch, what, wanted[axis], atMost: groups[axis]) }
  }

  private func require(
    _ limit: DeviceLimitError.Limit, _ what: @autoclosure () -> String, _ needed: Int,
    atMost allowed: Int
  ) throws(DeviceLimitError) {
    if needed > allowed { throw error(limit, what(), needed, atMost: allowed) }
  }

  private func error(
    _ limit: DeviceLimitError.Limit, _ what: String, _ needed: Int, atMost allowed: Int
  ) -> DeviceLimitError {
    DeviceLimitError(
      device: device, what: what, batch: batch, limit: limit, needed: needed, allowed: allowed)
  }
}
