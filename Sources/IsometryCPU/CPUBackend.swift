internal import COneDNN
internal import CVectorLoops
public import IsometryCommunication
public import IsometryCore
public import IsometryGraph

/// The processor, through oneDNN and vector loops: the device to train on if there is no GPU.
///
/// Computes in fp32, and in bf16 if oneDNN can. Images stay in the layouts of oneDNN's fastest
/// convolutions through the whole network. Tensors are converted at the session's edges, and where an
/// operation needs it. The same seed on the same machine with the same number of threads gives bitwise the
/// same run.
public struct CPUBackend: Backend {
  public var name: String { "cpu" }
  private let usesOwnConvolutions: Bool
  private let images: ImageLayouts
  private let ranks: any Communicator

  /// The processor that the program runs on, with as many threads as OpenMP gives.
  ///
  /// - Parameter ranks: the processes over which steps sum gradients.
  public init(ranks: any Communicator = SingleProcess()) {
    self.init(usesOwnConvolutions: true, ranks: ranks)
  }

  /// With vector loops for the convolutions that they compute faster, or with oneDNN for all of
  /// them, so that the two can be compared.
  package init(usesOwnConvolutions: Bool, ranks: any Communicator = SingleProcess()) {
    self.usesOwnConvolutions = usesOwnConvolutions
    self.ranks = ranks
    images = Processor.imageLayouts
  }

  /// With images in bf16 that are channels-last if the processor wants them in blocks, and in blocks if it
  /// wants them channels-last, so that both can be tested everywhere.
  package static var withOtherLayout: CPUBackend {
    CPUBackend(images: Processor.imageLayouts.other)
  }

  private init(images: ImageLayouts) {
    usesOwnConvolutions = true
    ranks = SingleProcess()
    self.images = images
  }

  public var deviceDescription: String {
    let version = dnnl_version().pointee
    let threads = ThreadTeam.threadCount == 1 ? "1 thread" : "\(ThreadTeam.threadCount) threads"
    return "\(Processor.name), \(threads), oneDNN \(version.major)."
      + "\(version.minor).\(version.patch), loops for \(String(cString: vl_instruction_set()))"
  }

  public func requireSupport(for precision: DType) throws {
    switch precision {
    case .float32: break
    case .bfloat16:
      guard Processor.computesInBFloat16 else {
        throw refusal(
          precision, "this processor has no AVX-512, without which oneDNN has no bf16; use fp32")
      }
    case .float16: throw refusal(precision, "use bf16 or fp32")
    case .float64: throw refusal(precision, "use the reference device, or fp32")
    case .uint8, .int32: throw refusal(precision, "networks compute in floating point; use fp32")
    }
  }

  public var fastestPrecision: PrecisionAdvice { Processor.fastestPrecision }
  public var usesWinograd: Bool { true }

  /// The arithmetic intensity is measured with two threads. Recomputed activations cost ResNet-20 a
  /// twentieth of a step. They cost ResNet-18 nothing, because caches hold part of the data that is
  /// read again.
  public func traits(for graph: Graph) -> BackendTraits {
    var traits = BackendTraits()
    traits.hasChannelSumsWithGradients = true
    traits.operationsPerByte = 6
    return traits
  }

  private func refusal(_ precision: DType, _ reason: String) -> UnsupportedPrecision {
    UnsupportedPrecision(precision, device: name, reason: reason)
  }

  /// A session that runs the graph with oneDNN and vector loops.
  ///
  /// - Throws: `GraphVerificationError` for a graph that breaks a rule; `UnsupportedPrecision` for a
  ///   type that the processor cannot compute in. `CPUError` if oneDNN refuses an operation;
  ///   `DeviceLimitError` if the step needs more memory than is free.
  public func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
    try check(graph)
    return try CPUSession(
      graph, images: images, sharing: session.map(own),
      usesOwnConvolutions: usesOwnConvolutions, ranks: ranks)
  }

  /// The costs of such a session. Throws as `bind` does, except for the arena's size.
  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    try check(graph)
    // Steps read staging slots where they are: nothing is added for them.
    let lowering = try GraphLowering(
      graph, try OneDNNEngine(), images: images, scratchpad: Scratchpad(),
      variables: [:], usesOwnConvolutions: usesOwnConvolutions)
    try lowering.run()
    return lowering.report(ArenaPlan(for: lowering.launches))
  }
}
