internal import Glibc
internal import IsometryCore

/// Memory of zeros that is given back with its owner: on huge pages from the system where it is large,
/// from the heap where it is small.
///
/// It is there when it is made, so that what `FreeMemory` tells the next one is true.
struct ZeroedMemory: ~Copyable {
  /// Aligned to cache lines.
  let pointer: UnsafeMutableRawPointer
  /// What the system gave; nil where the heap did.
  private let pages: UnsafeMutableRawBufferPointer?

  /// - Precondition: the system has that much memory, which `FreeMemory` asks before.
  init(byteCount: Int) {
    guard byteCount >= HugePages.size else {
      let count = max(byteCount, 64)
      pointer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
      pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      pages = nil
      return
    }
    // As much more as the next huge page can be away; it is never touched.
    let length = byteCount + HugePages.size
    guard
      let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { preconditionFailure("the system refuses \(length) bytes of memory") }
    pages = UnsafeMutableRawBufferPointer(start: start, count: length)
    pointer = start.alignedUp(toMultipleOf: HugePages.size)
    HugePages.advise(UnsafeMutableRawBufferPointer(start: pointer, count: byteCount))
    if madvise(pointer, byteCount, Self.populateWrite) != 0 {
      // Linux before 5.14 brings pages at their first touch alone.
      pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }
  }

  deinit {
    if let pages { munmap(pages.baseAddress, pages.count) } else { pointer.deallocate() }
  }

  /// MADV_POPULATE_WRITE, which the headers of older systems lack.
  private static let populateWrite: CInt = 23
}
