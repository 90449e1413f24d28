internal import DeviceRuntime
import IsometryCore
import IsometryGraph
internal import Synchronization

/// Pinned memory for one step's inputs, and device memory they are sent to while the step before
/// computes.
final class OpenCLStagingSlot: StagingSlot {
  private let pinned: (any RuntimePinnedMemory)?
  private let arrival: (any RuntimeBuffer)?
  private let ranges: [String: Range<Int>]
  private let state = Mutex(State())

  private struct State: ~Copyable {
    var sent: Event?
    var taken: Event?
  }

  /// The commands that bring a step's inputs.
  struct Submission: ~Copyable {
    /// The transfer to the device.
    let sent: Event
    /// The copy on the compute queue, with which the step begins.
    let taken: Event
  }

  /// - Parameter offsets: where inputs lie in a memory of `byteCount` bytes.
  init(
    _ graph: Graph, offsets: [String: Int], byteCount: Int, queue: any RuntimeQueue
  ) throws {
    var ranges: [String: Range<Int>] = [:]
    for (name, value) in graph.inputs {
      guard let offset = offsets[name] else { continue }
      ranges[name] = offset..<offset + graph.type(of: value).byteCount
    }
    self.ranges = ranges
    pinned = byteCount > 0 ? try queue.makePinnedMemory(byteCount: byteCount) : nil
    arrival = byteCount > 0 ? try queue.owner.makeBuffer(byteCount: byteCount) : nil
    if let pinned { pinned.bytes.initializeMemory(as: UInt8.self, repeating: 0) }
  }

  func bytes(of input: String) -> UnsafeMutableRawBufferPointer {
    guard let range = ranges[input], let pinned else {
      preconditionFailure("the graph has no input \(input)")
    }
    return UnsafeMutableRawBufferPointer(rebasing: pinned.bytes[range])
  }

  func hasInput(_ name: String) -> Bool { ranges[name] != nil }

  func waitUntilReusable() {
    // A transfer that failed is reported by the step's own commands.
    try? state.withLock { try Self.shared($0.sent) }?.wait()
  }

  /// Sends the inputs on the transfer queue and has the compute queue put them in place; nil if
  /// the graph has no inputs.
  func submit(
    transfers: any RuntimeQueue, compute: any RuntimeQueue, to inputs: any RuntimeBuffer
  ) throws -> Submission? {
    guard let pinned, let arrival else { return nil }
    // The device memory is free again once the step that used it has copied it.
    let earlier = try state.withLock { try Self.shared($0.taken) }
    let sent = try transfers.send(
      UnsafeRawBufferPointer(pinned.bytes), to: arrival, offset: 0, after: earlier)
    try transfers.flush()
    try compute.delay(until: sent)
    let taken = try compute.copy(arrival, into: inputs, byteCount: arrival.byteCount)
    var kept = State(sent: try sent.shared(), taken: try taken.shared())
    state.withLock { swap(&$0, &kept) }
    return Submission(sent: sent, taken: taken)
  }

  private static func shared(_ event: borrowing Event?) throws -> Event? {
    switch event {
    case nil: nil
    case let event?: try event.shared()
    }
  }
}
