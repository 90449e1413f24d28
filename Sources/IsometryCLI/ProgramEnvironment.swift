import Foundation
import IsometryGraph
import IsometryOpenCL
import IsometryTraining

/// Something that OpenCL devices do by default and `$ISOMETRY_DISABLE` turns off, for debugging.
enum DisabledFeature: String, CaseIterable {
  /// Convolutions that normalize what they load.
  case prologues
  /// A step's launches recorded once and enqueued together.
  case commandBuffers = "command-buffers"
  /// Tiles that `isometry tune` has measured.
  case tuning

  static let variable = "ISOMETRY_DISABLE"

  /// The features of a list with commas.
  ///
  /// - Throws: `ConfigurationError` for a name that is none of them.
  static func all(in list: String) throws(ConfigurationError) -> Set<DisabledFeature> {
    var features: Set<DisabledFeature> = []
    for name in list.split(separator: ",") {
      guard let feature = DisabledFeature(rawValue: String(name)) else {
        let known = allCases.map(\.rawValue).joined(separator: ", ")
        throw ConfigurationError(
          variable, "should be any of \(known), with commas between them, not \(name)")
      }
      features.insert(feature)
    }
    return features
  }
}

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

  /// Whether OpenCL devices use their matrix units; `$ISOMETRY_MATRIX_UNITS`.
  var matrixUnits: MatrixUnitUse

  /// Whether they multiply fp32 as tf32 there; `$ISOMETRY_TF32` is 1.
  let allowsTF32: Bool

  /// What OpenCL devices do without; `$ISOMETRY_DISABLE`, with commas between them.
  var disabled: Set<DisabledFeature>

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
    allowsTF32 = try isOn("ISOMETRY_TF32", default: false)
    disabled = try DisabledFeature.all(in: value(DisabledFeature.variable) ?? "")
    for (name, replacement) in Self.removedVariables where value(name) != nil {
      throw ConfigurationError(name, "was removed: \(replacement)")
    }
    let units = value("ISOMETRY_MATRIX_UNITS") ?? MatrixUnitUse.auto.rawValue
    guard let matrixUnits = MatrixUnitUse(rawValue: units) else {
      throw ConfigurationError(
        "ISOMETRY_MATRIX_UNITS", "should be auto, off or emulated, not \(units)")
    }
    self.matrixUnits = matrixUnits
    // The XDG Base Directory Specification: a relative path there counts as absent.
    let caches =
      value("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? value("HOME").map { "\($0)/.cache" }
    cacheDirectory = value("ISOMETRY_CACHE_DIR") ?? caches.map { "\($0)/isometry" }
  }

  /// Variables of earlier versions, which would be a trap if they were ignored.
  private static let removedVariables = [
    ("ISOMETRY_PROLOGUES", "set ISOMETRY_DISABLE=prologues to do without prologues"),
    ("ISOMETRY_COMMAND_BUFFERS", "set ISOMETRY_DISABLE=command-buffers to do without them"),
    ("ISOMETRY_TUNING", "set ISOMETRY_DISABLE=tuning to do without tuned tiles"),
    ("ISOMETRY_WINOGRAD", "OpenCL devices no longer use Winograd's algorithm; unset it"),
  ]

  /// Where measured tiles are kept; nil where there is no place for it.
  var tuningStore: TuningStore? {
    cacheDirectory.map { TuningStore(folder: "\($0)/tiles") }
  }

  /// The tiles that were measured on a device; none where they are not to be used.
  @Sendable func measuredTiles(_ key: TileKey) -> TileTable {
    guard !disabled.contains(.tuning) else { return TileTable() }
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
