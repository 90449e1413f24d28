import IsometryCore
internal import OpenCLRuntime

extension CommandQueue {
  /// Memory in which the storages of many launches lie, uninitialized: on a CPU on huge pages, since
  /// a step walks over more small ones than a core has translations for.
  func makeSlab(byteCount: Int) throws(OpenCLError) -> Buffer {
    let slab = try Buffer(context, byteCount: byteCount)
    if context.device.kind == .cpu, byteCount >= HugePages.size {
      try withHostView(of: slab) { HugePages.advise($0) }
    }
    return slab
  }
}
