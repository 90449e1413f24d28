internal import Glibc

/// The memory that the process can still allocate. Linux overcommits memory and kills processes that
/// use it. Code that needs much memory therefore checks this first.
package enum FreeMemory {
  /// The kernel's available bytes, limited by the process's control groups and its address-space limit;
  /// `Int.max` if nothing is known.
  package static var byteCount: Int { byteCount(root: "") }

  /// - Parameter root: a prefix of the paths of the kernel's files; empty for the machine's files.
  static func byteCount(root: String) -> Int {
    let available = Self.kibibytes(after: "MemAvailable:", in: "\(root)/proc/meminfo") ?? .max
    return min(available, controlGroupRest(root), addressRest(root))
  }

  /// What libraries allocate themselves, in bytes: threads with their stacks and heaps, and generated code.
  /// They end the process if they get no addresses.
  static let libraryReserve = 128 << 20

  private static func addressRest(_ root: String) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      let addresses = Int(exactly: limit.rlim_cur),
      let used = kibibytes(after: "VmSize:", in: "\(root)/proc/self/status")
    else { return .max }
    return max(0, addresses - used - libraryReserve)
  }

  /// The memory files of a control-group hierarchy.
  private struct Hierarchy {
    let mount: String
    let limit: String
    let usage: String
    /// The prefix of keys in `memory.stat` that include the groups below.
    let statistics: String

    static let unified = Hierarchy(
      mount: "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", statistics: "")
    static let memory = Hierarchy(
      mount: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes",
      usage: "memory.usage_in_bytes", statistics: "total_")
  }

  /// The bytes that the process's group and its ancestors may still allocate. Cached files count as
  /// free, since the kernel evicts them first.
  private static func controlGroupRest(_ root: String) -> Int {
    var rest = Int.max
    // Version 2 has `0::/a/b`, version 1 `4:memory:/a/b`.
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
      // In a container the mount may begin at the process's group. Missing folders are skipped.
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
    // `max`, or in version 1 a number beyond any machine's memory, means no limit.
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
}

/// The lines of a small text file of the kernel; none if it cannot be read.
package func lines(of path: String) -> [String] {
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
