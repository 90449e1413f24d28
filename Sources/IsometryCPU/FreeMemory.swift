internal import Glibc
internal import IsometryGraph

/// What the machine can still give. Linux promises memory that it does not have and ends the process
/// that takes it, so a session asks first.
enum FreeMemory {
  /// - Throws: `DeviceLimitError` where fewer bytes are free.
  static func require(
    _ byteCount: Int, for what: String, of graph: Graph
  ) throws(DeviceLimitError) {
    let free = byteCountNow
    guard byteCount > free else { return }
    throw DeviceLimitError(
      device: Processor.name, what: what, batch: graph.batch, limit: .freeBytesOfDevice,
      needed: byteCount, allowed: free)
  }

  /// Bytes that the kernel holds for available, within the process's own limit on its addresses;
  /// `Int.max` where neither is known.
  private static var byteCountNow: Int {
    let available = number(after: "MemAvailable:", in: "/proc/meminfo").map { $0 << 10 } ?? .max
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      let addresses = Int(exactly: limit.rlim_cur),
      let used = number(after: "VmSize:", in: "/proc/self/status").map({ $0 << 10 })
    else { return available }
    return min(available, max(0, addresses - used))
  }

  /// The first number behind a word of a small text file of the kernel.
  private static func number(after word: String, in path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(word) else { continue }
      return text.dropFirst(word.count).split(separator: " ").first.flatMap { Int($0) }
    }
    return nil
  }
}
