internal import IsometryCore
internal import IsometryGraph

extension FreeMemory {
  /// - Throws: `DeviceLimitError` if fewer bytes are free.
  static func require(
    _ byteCount: Int, for what: String, of graph: Graph
  ) throws(DeviceLimitError) {
    let free = Self.byteCount
    guard byteCount > free else { return }
    throw DeviceLimitError(
      device: Processor.name, what: what, batch: graph.batch, limit: .freeBytesOfDevice,
      needed: byteCount, allowed: free)
  }
}
