internal import Glibc

/// What the machine can still give. Linux promises memory that it does not have and ends the process
/// that takes it, so whoever needs much of it asks first.
package enum FreeMemory {
  /// Bytes that the kernel holds for available, within what the process's control groups and its own
  /// limit on addresses leave; `Int.max` where nothing is known.
  package static var byteCount: Int { byteCount(root: "") }

  /// - Parameter root: what the names of the kernel's files begin with; empty for the machine's own.
  static func byteCount(root: String) -> Int {
    let available = Self.kibibytes(after: "MemAvailable:", in: "\(root)/proc/meminfo") ?? .max
    return min(available, controlGroupRest(root), addressRest(root))
  }

  private static func addressRest(_ root: String) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      let addresses = Int(exactly: limit.rlim_cur),
      let used = kibibytes(after: "VmSize:", in: "\(root)/proc/self/status")
    else { return .max }
    return max(0, addresses - used)
  }

  /// The files of a hierarchy of control groups that tell of memory.
  private struct Hierarchy {
    let mount: String
    let limit: String
    let usage: String
    /// What keys in `memory.stat` begin with that count what lies below too.
    let statistics: String

    static let unified = Hierarchy(
      mount: "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", statistics: "")
    static let memory = Hierarchy(
      mount: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes",
      usage: "memory.usage_in_bytes", statistics: "total_")
  }

  /// What the process's group and all above it may still take, cached files counted as free: the kernel
  /// gives them up first.
  private static func controlGroupRest(_ root: String) -> Int {
    var rest = Int.max
    // `0::/a/b` of version 2, `4:memory:/a/b` of version 1.
    for line in lines(of: "\(root)/proc/self/cgroup") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let hierarchy: Hierarchy
      if fields[1].isEmpty {
        hierarchy = .unified
      } else if fields[1].split(separator: ",").contains("memory") {
        hierarchy = .memory
      } else {
        continue
      }
      // In a container the mount may begin at the process's own group: what does not exist is skipped.
      var names = fields[2].split(separator: "/")
      while true {
        let group = ([root + hierarchy.mount] + names.map(String.init)).joined(separator: "/")
        rest = min(rest, self.rest(of: group, hierarchy))
        if names.popLast() == nil { break }
      }
    }
    return rest
  }

  private static func rest(of group: String, _ hierarchy: Hierarchy) -> Int {
    func number(_ file: String) -> Int? { lines(of: "\(group)/\(file)").first.flatMap { Int($0) } }
    // `max`, and beyond any machine's memory in version 1, means no limit.
    guard let limit = number(hierarchy.limit), let used = number(hierarchy.usage) else {
      return .max
    }
    let statistics = "\(group)/memory.stat"
    let cached = ["active_file", "inactive_file"].map {
      self.number(after: hierarchy.statistics + $0, in: statistics) ?? 0
    }
    return max(0, limit - used + cached.reduce(0, +))
  }

  private static func kibibytes(after word: String, in path: String) -> Int? {
    number(after: word, in: path).map { $0 << 10 }
  }

  /// The number on the line that begins with a word.
  private static func number(after word: String, in path: String) -> Int? {
    for line in lines(of: path) {
      let words = line.split(whereSeparator: \.isWhitespace)
      if words.count > 1, words[0] == word { return Int(words[1]) }
    }
    return nil
  }

  /// The lines of a small text file of the kernel; none where it cannot be read.
  private static func lines(of path: String) -> [String] {
    guard let file = fopen(path, "re") else { return [] }
    defer { fclose(file) }
    var lines: [String] = []
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 && $0 != CChar(bitPattern: UInt8(ascii: "\n")) }
      lines.append(String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
    return lines
  }
}
