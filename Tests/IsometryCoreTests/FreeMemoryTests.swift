import Foundation
import Testing

@testable import IsometryCore

@Suite struct FreeMemoryTests {
  /// The bytes that are free on a machine with these files of the kernel.
  private func byteCount(_ files: [String: String]) throws -> Int {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appending(path: path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return FreeMemory.byteCount(root: root.path)
  }

  private static let machine = "MemTotal:  9000 kB\nMemAvailable:  8000 kB\n"

  @Test func theMachineHasSomeOfItsMemoryFree() throws {
    #expect(FreeMemory.byteCount > 1 << 20)
    #expect(try byteCount([:]) == .max)
    #expect(try byteCount(["proc/meminfo": Self.machine]) == 8000 << 10)
  }

  /// The tightest of the process's group and those above it, cached files counted as free.
  @Test func controlGroupsOfVersion2Bind() throws {
    let groups = [
      "proc/meminfo": Self.machine, "proc/self/cgroup": "0::/a/b\n",
      "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "1000\n",
      "sys/fs/cgroup/a/memory.max": "50000\n", "sys/fs/cgroup/a/memory.current": "30000\n",
      "sys/fs/cgroup/a/memory.stat": "anon 20000\ninactive_file 7000\nactive_file 500\n",
    ]
    #expect(try byteCount(groups) == 27500)
    let own = groups.merging(["sys/fs/cgroup/a/b/memory.max": "900\n"]) { $1 }
    #expect(try byteCount(own) == 0)
  }

  /// In a container the mount begins at the process's own group.
  @Test func controlGroupsOfVersion1Bind() throws {
    #expect(
      try byteCount([
        "proc/meminfo": Self.machine,
        "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/x\n0::/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "60000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "30000\n",
        "sys/fs/cgroup/memory/memory.stat": "active_file 9\ntotal_active_file 100\n",
      ]) == 30100)
  }
}
