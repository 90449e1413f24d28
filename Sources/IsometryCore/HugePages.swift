internal import Glibc

/// Pages of 2 MiB instead of 4 KiB, for large memory that is filled at once. A fault maps 512 times as
/// much memory. Small pages take several times as long to fault in as to clear.
package enum HugePages {
  /// The size of a huge page, in bytes.
  package static let size = 1 << 21

  /// Requests huge pages in untouched memory. Systems without huge pages ignore the request.
  package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    guard memory.count >= size, let start = memory.baseAddress else { return }
    let first = start.alignedUp(toMultipleOf: size)
    let end = (start + memory.count).alignedDown(toMultipleOf: size)
    guard first < end else { return }
    _ = madvise(first, end - first, MADV_HUGEPAGE)
  }
}

extension Array where Element: BitwiseCopyable {
  /// Makes an array, on huge pages if it is large enough.
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
