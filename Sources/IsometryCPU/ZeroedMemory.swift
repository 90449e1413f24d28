internal import Glibc
internal import IsometryCore

/// Memory of zeros that is given back with its owner: on huge pages from the system if it is large,
/// from the heap if it is small.
///
/// Its pages exist once it is made, so that `FreeMemory` then counts them as used.
struct ZeroedMemory: ~Copyable {
  /// Aligned to cache lines.
  let pointer: UnsafeMutableRawPointer
  /// The system's pages; nil for memory of the heap.
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
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let length = (byteCount + page - 1) / page * page
    guard let start = Self.reserve(length, from: HugePages.size) ?? Self.reserve(length, from: page)
    else { preconditionFailure("the system refuses \(length) bytes of memory") }
    pointer = start
    pages = UnsafeMutableRawBufferPointer(start: start, count: length)
    HugePages.advise(UnsafeMutableRawBufferPointer(start: pointer, count: byteCount))
    if madvise(pointer, byteCount, Self.populateWrite) != 0 {
      // Linux before 5.14 brings pages at their first touch alone.
      pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }
  }

  deinit {
    if let pages { munmap(pages.baseAddress, pages.count) } else { pointer.deallocate() }
  }

  /// Addresses from a multiple of the alignment on; nil if the system has none left.
  private static func reserve(_ length: Int, from alignment: Int) -> UnsafeMutableRawPointer? {
    let slack = alignment == HugePages.size ? alignment : 0
    guard
      let first = mmap(
        nil, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      first != MAP_FAILED
    else { return nil }
    let start = first.alignedUp(toMultipleOf: alignment)
    // The memory before and behind goes back: limits on addresses count it.
    if first < start { munmap(first, start - first) }
    let rest = slack - (start - first)
    if rest > 0 { munmap(start + length, rest) }
    return start
  }

  /// MADV_POPULATE_WRITE, which the headers of older systems lack.
  private static let populateWrite: CInt = 23
}
