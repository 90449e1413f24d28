internal import DeviceRuntime
import IsometryCore
import IsometryGraph
internal import IsometryLowering

/// The variables of sessions that share them. Each session adds those that are new, in one
/// allocation, so that an update can reach all of them through one argument.
final class VariableStore {
  struct Entry {
    let type: TensorType
    let layout: Layout
    let slab: Int
    let offset: Int
  }

  private(set) var entries: [String: Entry] = [:]
  private(set) var slabs: [any RuntimeBuffer] = []
  private let queue: any RuntimeQueue

  var byteCount: Int { slabs.map(\.byteCount).reduce(0, +) }

  init(_ queue: any RuntimeQueue) { self.queue = queue }

  /// Makes room, set to zero, for the variables that are not there yet.
  ///
  /// - Precondition: those that are there have the same type.
  /// - Throws: `DeviceLimitError` if they do not fit into one buffer.
  func add(
    _ variables: [(name: String, type: TensorType, layout: Layout)], alignment: Int,
    _ limits: DeviceLimits
  ) throws {
    var added: [String: Entry] = [:]
    var byteCount = 0
    for (name, type, layout) in variables {
      if let known = entries[name] {
        precondition(known.type == type, "variable \(name) is \(known.type), not \(type)")
        continue
      }
      added[name] = Entry(type: type, layout: layout, slab: slabs.count, offset: byteCount)
      byteCount += quotientRoundedUp(type.byteCount, alignment) * alignment
    }
    guard byteCount > 0 else { return }
    try limits.requireBuffer("variables", byteCount: byteCount)
    let buffer = try queue.owner.makeBuffer(byteCount: byteCount)
    try queue.clear(buffer)
    entries.merge(added) { known, _ in known }
    slabs.append(buffer)
  }
}
