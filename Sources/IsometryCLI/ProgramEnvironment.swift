import Foundation
import IsometryGraph
import IsometryOpenCL
import IsometryTraining

/// What the program takes from the environment, read once.
struct ProgramEnvironment: Sendable {
  /// Where CIFAR-10 is; `$ISOMETRY_DATA`.
  let data: String?
  /// Where kernels are read from in place of the built-in ones; `$ISOMETRY_KERNEL_DIR`.
  let kernelDirectory: String?
  /// Where compiled programs are kept: `$ISOMETRY_CACHE_DIR`, or `isometry` in the user's cache
  /// folder; nil where neither is known.
  let cacheDirectory: String?
  /// Whether every operation is checked against the reference; `$ISOMETRY_VALIDATE` is 1, not 0.
  let validates: Bool

  /// Whether OpenCL devices take tiles that `isometry tune` has measured; `$ISOMETRY_TUNING` is not
  /// 0.
  let usesTuning: Bool

  /// Whether OpenCL devices use their matrix units; `$ISOMETRY_MATRIX_UNITS`.
  var matrixUnits: MatrixUnitUse

  /// Whether they multiply fp32 as tf32 there; `$ISOMETRY_TF32` is 1.
  let allowsTF32: Bool

  /// Whether convolutions of OpenCL devices normalize what they load; `$ISOMETRY_PROLOGUES`.
  let prologues: PrologueUse

  /// Whether OpenCL devices that are CPUs use Winograd's algorithm; `$ISOMETRY_WINOGRAD` is not 0.
  var usesWinograd: Bool

  /// Whether OpenCL devices record a step's launches where they can; `$ISOMETRY_COMMAND_BUFFERS` is
  /// not 0.
  var recordsLaunches: Bool

  /// Whether compiled programs are kept for other processes.
  var keepsPrograms = true

  /// - Throws: `ConfigurationError` for a switch that has no such position.
  init(
    _ variables: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) {
    func value(_ name: String) -> String? {
      variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    data = value("ISOMETRY_DATA")
    kernelDirectory = value("ISOMETRY_KERNEL_DIR")
    func isOn(_ name: String, default isOn: Bool) throws(ConfigurationError) -> Bool {
      switch value(name) {
      case nil: return isOn
      case "0": return false
      case "1": return true
      case let other?:
        throw ConfigurationError(name, "should be 1 (on) or 0 (off), not \(other)")
      }
    }
    validates = try isOn("ISOMETRY_VALIDATE", default: false)
    recordsLaunches = try isOn("ISOMETRY_COMMAND_BUFFERS", default: true)
    allowsTF32 = try isOn("ISOMETRY_TF32", default: false)
    usesWinograd = try isOn("ISOMETRY_WINOGRAD", default: true)
    usesTuning = try isOn("ISOMETRY_TUNING", default: true)
    let units = value("ISOMETRY_MATRIX_UNITS") ?? MatrixUnitUse.auto.rawValue
    guard let matrixUnits = MatrixUnitUse(rawValue: units) else {
      throw ConfigurationError(
        "ISOMETRY_MATRIX_UNITS", "should be auto, off or emulated, not \(units)")
    }
    self.matrixUnits = matrixUnits
    let use = value("ISOMETRY_PROLOGUES") ?? PrologueUse.auto.rawValue
    guard let prologues = PrologueUse(rawValue: use) else {
      throw ConfigurationError("ISOMETRY_PROLOGUES", "should be auto, off or on, not \(use)")
    }
    self.prologues = prologues
    // The XDG Base Directory Specification: a relative path there counts as absent.
    let caches =
      value("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? value("HOME").map { "\($0)/.cache" }
    cacheDirectory = value("ISOMETRY_CACHE_DIR") ?? caches.map { "\($0)/isometry" }
  }

  /// Where measured tiles are kept; nil where there is no place for it.
  var tuningStore: TuningStore? {
    cacheDirectory.map { TuningStore(folder: "\($0)/tiles") }
  }

  /// The tiles that were measured on a device; none where they are not to be used.
  @Sendable func measuredTiles(_ key: TileKey) -> TileTable {
    guard usesTuning else { return TileTable() }
    return tuningStore?.record(for: key, warn: Self.warn)?.table ?? TileTable()
  }

  /// Tells people that something is less than it should be.
  @Sendable static func warn(_ line: String) {
    StandardStream.error.write("isometry: warning: \(line)\n")
  }

  /// Says so where compiled kernels cannot be kept, which costs every run the time to compile them.
  func warnOfLostPrograms() {
    guard let cacheDirectory else {
      Self.warn(
        "neither HOME nor XDG_CACHE_HOME says where compiled kernels could be kept, "
          + "so every run compiles them anew; set ISOMETRY_CACHE_DIR to a folder")
      return
    }
    try? FileManager.default.createDirectory(
      atPath: cacheDirectory, withIntermediateDirectories: true)
    guard !FileManager.default.isWritableFile(atPath: cacheDirectory + "/") else { return }
    Self.warn(
      "\(cacheDirectory) is no folder that can be written, so every run compiles "
        + "its kernels anew; set ISOMETRY_CACHE_DIR to one that can")
  }
}
