import Foundation
import Glibc
import IsometryFiles
import IsometryGraph
import IsometrySpectra

/// The program and the machine of a run: `environment.json`.
enum RunEnvironment {
  static func record(of backend: any Backend) -> JSONValue {
    let variables = ProcessInfo.processInfo.environment
    let names = variables.keys.filter { name in prefixes.contains { name.hasPrefix($0) } }.sorted()
    return [
      "version": .text(programVersion),
      "commit": ProgramOrigin.commit.map { .text($0) } ?? .null,
      "command": .array(CommandLine.arguments.map { .text($0) }),
      "started": .text(Date.now.formatted(.iso8601)),
      "device": .text(backend.name),
      // With the driver of a GPU, and with oneDNN's version and the threads of the CPU.
      "device_description": .text(backend.deviceDescription),
      "machine": .text(MachineDescription.text),
      "threads": .integer(ProcessInfo.processInfo.activeProcessorCount),
      "kernel": .text(kernel),
      "libraries": [
        "glibc": .text(libraryVersion),
        "linear_algebra": .text(LinearAlgebraLibrary.description),
      ],
      "variables": .object(names.map { .init($0, .text(variables[$0] ?? "")) }),
    ]
  }

  /// "6.1.0-18-amd64"
  private static var kernel: String {
    let text = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  }

  /// "glibc 2.36"
  private static var libraryVersion: String {
    var text = [CChar](repeating: 0, count: 64)
    let length = confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
    return String(
      decoding: text.prefix(max(0, length - 1)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Of variables that change the computation.
  private static let prefixes = [
    "ISOMETRY_", "OMP_", "GOMP_", "OPENBLAS_", "DNNL_", "ONEDNN_", "POCL_", "CUDA_",
  ]
}
