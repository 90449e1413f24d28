import Foundation

/// The machine in words.
package enum MachineDescription {
  /// "AMD EPYC 7B13, 2 processors, 23 GiB of memory, Debian GNU/Linux 12 (bookworm)"
  package static var text: String {
    let information = ProcessInfo.processInfo
    let memory = Double(information.physicalMemory) / Double(1 << 30)
    return [
      field("model name", in: "/proc/cpuinfo", separator: ":"),
      "\(information.activeProcessorCount) processors",
      String(format: "%.0f GiB of memory", memory),
      field("PRETTY_NAME", in: "/etc/os-release", separator: "=")
        ?? information.operatingSystemVersionString,
    ].compactMap { $0 }.joined(separator: ", ")
  }

  /// The text behind a name and a separator on the first line that begins with the name.
  private static func field(_ name: String, in path: String, separator: Character) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
      let value = line.split(separator: separator, maxSplits: 1).last
    else { return nil }
    return value.trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
  }
}
