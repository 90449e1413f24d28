import Foundation

/// What the program takes from the environment, read once.
struct ProgramEnvironment: Sendable {
  /// Where CIFAR-10 is; `$ISOMETRY_DATA`.
  let data: String?
  /// Where kernels are read from in place of the built-in ones; `$ISOMETRY_KERNEL_DIR`.
  let kernelDirectory: String?
  /// Where compiled programs are kept: `$ISOMETRY_CACHE_DIR`, or `isometry` in the user's cache
  /// folder; nil where neither is known.
  let cacheDirectory: String?
  /// Whether every operation is checked against the reference; `$ISOMETRY_VALIDATE` is 1.
  let validates: Bool

  init(_ variables: [String: String] = ProcessInfo.processInfo.environment) {
    func value(_ name: String) -> String? {
      variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    data = value("ISOMETRY_DATA")
    kernelDirectory = value("ISOMETRY_KERNEL_DIR")
    validates = value("ISOMETRY_VALIDATE") == "1"
    // The XDG Base Directory Specification: a relative path there counts as absent.
    let caches =
      value("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? value("HOME").map { "\($0)/.cache" }
    cacheDirectory = value("ISOMETRY_CACHE_DIR") ?? caches.map { "\($0)/isometry" }
  }
}
