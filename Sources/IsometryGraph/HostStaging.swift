public import IsometryCore

/// A staging slot in plain memory, for backends whose steps run on the calling thread: by the time
/// `step(from:)` returns, the contents have been used.
public final class HostStagingSlot: StagingSlot {
  private let memory: [String: Region]

  /// A piece of memory that lives as long as the slot.
  ///
  /// Sendable although it holds a pointer: the pointer never changes and nothing else knows the
  /// memory; who writes and who reads when is the contract of `StagingSlot`.
  private struct Region: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
  }

  /// A slot with memory, zeroed and aligned to 64 bytes, for each input of the graph.
  public init(for graph: Graph) {
    var memory: [String: Region] = [:]
    for (name, value) in graph.inputs {
      let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: graph.type(of: value).byteCount, alignment: 64)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      memory[name] = Region(bytes: bytes)
    }
    self.memory = memory
  }

  deinit {
    for region in memory.values { region.bytes.deallocate() }
  }

  public func bytes(of input: String) -> UnsafeMutableRawBufferPointer {
    guard let region = memory[input] else { preconditionFailure("the graph has no input \(input)") }
    return region.bytes
  }

  public func waitUntilReusable() {}
}

/// A read-back that was done at once.
public final class CompletedRead: PendingRead {
  private let tensor: HostTensor

  public init(_ tensor: HostTensor) { self.tensor = tensor }

  public var isComplete: Bool { true }
  public func wait() -> HostTensor { tensor }
}
