public import IsometryCore

/// A step needs more than a device has, or more than its kernels can count.
public struct DeviceLimitError: ExplainedError, Hashable {
  /// The resource of which there is too little.
  public enum Limit: Sendable, Hashable {
    /// The bytes of one allocation; often a quarter of the memory.
    case bytesOfBuffer
    /// The bytes of the whole device.
    case bytesOfDevice
    /// The bytes that are free on the device now.
    case freeBytesOfDevice
    /// The elements of one tensor: kernels count them in 32 bits.
    case elementsOfTensor
    /// A number that a kernel takes as a 32-bit argument or reads from a table.
    case numberInKernel
    /// The groups of a launch along one axis.
    case groupsOfLaunch
  }

  /// The device in words.
  public let device: String
  /// The memory or number that does not fit, `activations and gradients`.
  public let what: String
  /// The batch of the graph's inputs; nil for a graph without inputs.
  public let batch: Int?
  /// The limit that is exceeded.
  public let limit: Limit
  /// The amount that the step needs, in the limit's unit.
  public let needed: Int
  /// The amount that the device has, in the limit's unit.
  public let allowed: Int

  /// The error of a step on a device.
  public init(
    device: String, what: String, batch: Int?, limit: Limit, needed: Int, allowed: Int
  ) {
    self.device = device
    self.what = what
    self.batch = batch
    self.limit = limit
    self.needed = needed
    self.allowed = allowed
  }

  public var explanation: Explanation {
    let subject = batch.map { "\(what) of batch \($0)" } ?? what
    let fault =
      switch limit {
      case .bytesOfBuffer:
        "\(Self.memory(needed)) in one buffer, and \(device) allows \(Self.memory(limit: allowed))"
      case .bytesOfDevice:
        "\(Self.memory(needed)), and \(device) has \(Self.memory(limit: allowed))"
      case .freeBytesOfDevice:
        "\(Self.memory(needed)), and \(device) has \(Self.memory(limit: allowed)) free"
      case .elementsOfTensor: "\(needed) elements, and kernels count to \(allowed)"
      case .groupsOfLaunch: "\(needed) groups in a launch, and \(device) allows \(allowed)"
      case .numberInKernel: "the number \(needed) in a kernel, and kernels count to \(allowed)"
      }
    return
      "\(subject) would take \(fault); take a smaller batch\(hint: .batch) or a smaller network"
  }

  // Rounded up, and limits down: what is needed must not look like what is allowed.
  private static func memory(_ byteCount: Int) -> String {
    "\((byteCount + (1 << 20) - 1) >> 20) MiB"
  }
  private static func memory(limit: Int) -> String { "\(limit >> 20) MiB" }
}

extension Term {
  package static let batch = Term("batch")
}

extension Graph {
  /// The number of images or rows of a step: the first extent of the largest input; nil without inputs.
  package var batch: Int? {
    inputs.map { type(of: $0.value) }.max { $0.byteCount < $1.byteCount }?.shape.dimensions.first
  }
}
