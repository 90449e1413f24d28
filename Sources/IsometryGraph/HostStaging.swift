public import IsometryCore

/// A staging slot in plain memory, for backends whose steps run on the calling thread: by the time
/// `step(from:)` returns, the contents have been used.
public final class HostStagingSlot: StagingSlot {
  private let names: [String]  // as in `graph.inputs`
  private let regions: [Region]  // in the same order

  /// A piece of memory that lives as long as the slot.
  ///
  /// Sendable although it holds a pointer: the pointer never changes and nothing else knows the
  /// memory. The contract of `StagingSlot` orders writes and reads.
  private struct Region: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
  }

  /// A slot with zeroed memory for each input of the graph. Each input has whole lines of 64 bytes,
  /// so that a vector that reads past its end reads no other input.
  public init(for graph: Graph) {
    names = graph.inputs.map(\.name)
    regions = graph.inputs.map { _, value in
      let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: (graph.type(of: value).byteCount + 63) / 64 * 64, alignment: 64)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return Region(
        bytes: UnsafeMutableRawBufferPointer(rebasing: bytes[..<graph.type(of: value).byteCount]))
    }
  }

  deinit {
    for region in regions { region.bytes.deallocate() }
  }

  public func bytes(of input: String) -> UnsafeMutableRawBufferPointer {
    guard let position = names.firstIndex(of: input) else {
      preconditionFailure("the graph has no input \(input)")
    }
    return regions[position].bytes
  }

  public func hasInput(_ name: String) -> Bool { names.contains(name) }

  /// The memory of the input at a position in the graph's `inputs`, for steps, which look nothing up.
  package func bytes(ofInputAt position: Int) -> UnsafeMutableRawBufferPointer {
    regions[position].bytes
  }

  public func waitUntilReusable() {}
}

/// A session whose steps run on the calling thread.
package protocol HostSession: Session {}

extension HostSession {
  package func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
    (0..<count).map { _ in HostStagingSlot(for: graph) }
  }

  package func beginReading(variable name: String) throws -> any PendingRead {
    CompletedRead(try read(variable: name))
  }

  package func synchronize() {}
  package func takeInputWait() -> Double? { nil }
}

/// A read-back that was done at once.
public final class CompletedRead: PendingRead {
  private let tensor: HostTensor

  /// A read-back that is complete at once.
  public init(_ tensor: HostTensor) { self.tensor = tensor }

  public var isComplete: Bool { true }
  public func wait() -> HostTensor { tensor }
}
