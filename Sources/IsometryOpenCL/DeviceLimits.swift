#if OpenCL
  import IsometryCore
  import IsometryGraph
  internal import OpenCLRuntime

  /// A step needs more than a device has, or more than its kernels can count.
  public struct DeviceLimitError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Limit: Sendable, Hashable {
      /// The bytes of one allocation; often a quarter of the memory.
      case bytesOfBuffer
      /// The bytes of the whole device.
      case bytesOfDevice
      /// The elements of one tensor: kernels count them in 32 bits.
      case elementsOfTensor
      /// A number that a kernel takes as a 32-bit argument or reads from a table.
      case numberInKernel
    }

    public let device: String
    /// What does not fit, `activations and gradients`.
    public let what: String
    /// The batch of the graph's inputs; nil for a graph without inputs.
    public let batch: Int?
    public let limit: Limit
    public let needed: Int
    public let allowed: Int

    public var description: String {
      let subject = batch.map { "\(what) of batch \($0)" } ?? what
      let fault =
        switch limit {
        case .bytesOfBuffer:
          "\(Self.memory(needed)) in one buffer, and \(device) allows \(Self.memory(allowed))"
        case .bytesOfDevice:
          "\(Self.memory(needed)), and \(device) has \(Self.memory(allowed))"
        case .elementsOfTensor: "\(needed) elements, and kernels count to \(allowed)"
        case .numberInKernel: "the number \(needed) in a kernel, and kernels count to \(allowed)"
        }
      return "\(subject) would take \(fault); take a smaller batch (--batch) or a smaller network"
    }

    private static func memory(_ byteCount: Int) -> String {
      // Rounded up: what is needed must not look like what is allowed.
      "\(quotientRoundedUp(byteCount, 1 << 20)) MiB"
    }
  }

  /// Checks a graph's memory and counts before anything is allocated, since drivers report too large
  /// a buffer late, in other words, or not at all.
  struct DeviceLimits {
    private let device: String
    private let batch: Int?
    private let bytesOfBuffer: Int
    private let bytesOfDevice: Int

    init(_ device: Device, _ graph: Graph) {
      self.device = device.name
      bytesOfBuffer = device.maximumBufferByteCount
      bytesOfDevice = device.globalMemoryByteCount
      // Of all inputs the images are the largest.
      batch = graph.inputs.map { graph.type(of: $0.value) }
        .max { $0.byteCount < $1.byteCount }.map { $0.shape[0] }
    }

    func requireBuffer(_ what: String, byteCount: Int) throws(DeviceLimitError) {
      try require(.bytesOfBuffer, what, byteCount, atMost: bytesOfBuffer)
    }

    func requireMemory(_ what: String, byteCount: Int) throws(DeviceLimitError) {
      try require(.bytesOfDevice, what, byteCount, atMost: bytesOfDevice)
    }

    func requireCountable(_ type: TensorType) throws(DeviceLimitError) {
      try require(
        .elementsOfTensor, "a tensor \(type)", type.shape.elementCount, atMost: Int(Int32.max))
    }

    /// A word of a kernel's arguments or tables, which it reads as `int` or `uint`.
    func word(_ number: Int, of what: @autoclosure () -> String) throws(DeviceLimitError) -> UInt32
    {
      if let word = UInt32(exactly: number) { return word }
      if let word = Int32(exactly: number) { return UInt32(bitPattern: word) }
      throw error(.numberInKernel, what(), number, atMost: Int(UInt32.max))
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
#endif
