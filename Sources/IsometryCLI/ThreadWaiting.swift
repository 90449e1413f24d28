import Foundation

/// The time for which threads of the `cpu` device wait awake for each other.
///
/// Left to itself libgomp lets them spin for milliseconds at every barrier, of which a training step
/// has hundreds. Beside any other work on the processors, the thread that all wait for often has none
/// to run on while the others spin: two trainings at once ran at a hundredth of their speed. A few
/// microseconds cost nothing on an idle machine, and let two trainings at once share it evenly
/// (docs/decisions/0009-bounded-waiting.md).
enum ThreadWaiting {
  /// libgomp's variable, read when the library is loaded.
  static let variable = "GOMP_SPINCOUNT"
  static let count = "3000"

  /// Starts the program again with a bound on the waiting, unless the environment says how to wait
  /// or a loader was called by name to run the program, as a bundle does on old systems (and sets
  /// the bound itself).
  static func bound() {
    guard getenv(variable) == nil, getenv("OMP_WAIT_POLICY") == nil,
      let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
      !file.contains("/ld-")
    else { return }
    setenv(variable, count, 1)
    execv(file, CommandLine.unsafeArgv)
    // Not started again: slower beside other work, but right.
    unsetenv(variable)
  }
}
