internal import Glibc

/// Pages of 2 MiB instead of 4 KiB, for large memory that is filled at once: a fault brings 512 times as
/// much, and small pages take several times as long to fault in as to clear.
package enum HugePages {
  /// Bytes of one.
  package static let size = 1 << 21

  /// Asks for huge pages where whole ones lie in memory that was not touched yet. A system without them
  /// has small ones.
  package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    guard memory.count >= size, let start = memory.baseAddress else { return }
    let first = start.alignedUp(toMultipleOf: size)
    let end = (start + memory.count).alignedDown(toMultipleOf: size)
    guard first < end else { return }
    _ = madvise(first, end - first, MADV_HUGEPAGE)
  }
}

extension Array where Element: BitwiseCopyable {
  /// An array on huge pages where it is that large.
  ///
  /// - Parameter fill: initializes all `count` elements.
  package init(
    onHugePages count: Int, _ fill: (UnsafeMutableBufferPointer<Element>) throws -> Void
  ) rethrows {
    try self.init(unsafeUninitializedCapacity: count) { buffer, initializedCount in
      let elements = UnsafeMutableBufferPointer(rebasing: buffer.prefix(count))
      HugePages.advise(UnsafeMutableRawBufferPointer(elements))
      try fill(elements)
      initializedCount = count
    }
  }
}
