import Foundation
import IsometryBenchmarks
import IsometryCommunication
import IsometryFiles
import IsometryGraph
import IsometryOpenCL

/// Something that devices do by default and `$ISOMETRY_DISABLE` turns off, for debugging.
enum DisabledFeature: String, CaseIterable {
  /// Convolutions that normalize what they load.
  case prologues
  /// A step's launches recorded once and enqueued together.
  case commandBuffers = "command-buffers"
  /// The same of CUDA.
  case graphs
  /// Tiles that `isometry tune` has measured.
  case tuning
  /// Kernels that the driver optimizes.
  case optimization

  static let variable = "ISOMETRY_DISABLE"

  /// The features of a list with commas.
  static func all(in list: String) throws(UsageError) -> Set<DisabledFeature> {
    let names = list.split(separator: ",").map(String.init)
    if let name = names.first(where: { Self(rawValue: $0) == nil }) {
      let known = allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError(
        variable, "should be any of \(known), with commas between them, not \(name)")
    }
    return Set(names.compactMap(Self.init))
  }
}

struct ProgramEnvironment: Sendable {
  /// The folder of CIFAR-10; `$ISOMETRY_DATA`.
  let data: String?
  /// The folder of kernels that replace the built-in ones; `$ISOMETRY_KERNEL_DIR`.
  let kernelDirectory: String?
  /// The library of CUDA's compiler; `$ISOMETRY_NVRTC`.
  let nvrtc: String?
  /// The folder of compiled programs: `$ISOMETRY_CACHE_DIR`, or `isometry` in the user's cache
  /// folder; nil if neither is known.
  let cacheDirectory: String?
  /// Whether every operation is checked against the reference; `$ISOMETRY_VALIDATE` is 1, not 0.
  let validates: Bool

  /// Whether OpenCL devices use their matrix units; `$ISOMETRY_MATRIX_UNITS`.
  var matrixUnits: MatrixUnitUse

  /// Features of OpenCL devices that are turned off; `$ISOMETRY_DISABLE`, a list with commas.
  var disabled: Set<DisabledFeature>

  /// The number of Slurm's job that the program runs in; `$SLURM_JOB_ID`.
  let slurmJob: String?

  /// Whether compiled programs are kept for other processes.
  var keepsPrograms = true
  /// The processes of a launcher.
  var group: RankGroup
  /// The processes that train together: this one alone, or those of a launcher.
  var ranks: any Communicator { group.communicator }
  /// The same for work that this process does alone.
  var alone: ProgramEnvironment {
    var result = self
    result.group = RankGroup(nil)
    return result
  }
  /// How much the command says.
  var detail = Detail.normal

  init(
    _ variables: [String: String] = ProcessInfo.processInfo.environment
  ) throws(UsageError) {
    func value(_ name: String) -> String? {
      variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    data = value("ISOMETRY_DATA")
    kernelDirectory = value("ISOMETRY_KERNEL_DIR")
    nvrtc = value("ISOMETRY_NVRTC")
    switch value("ISOMETRY_VALIDATE") {
    case nil, "0": validates = false
    case "1": validates = true
    case let other?:
      throw UsageError("ISOMETRY_VALIDATE", "should be 1 (on) or 0 (off), not \(other)")
    }
    disabled = try DisabledFeature.all(in: value(DisabledFeature.variable) ?? "")
    for (name, replacement) in Self.removedVariables where value(name) != nil {
      throw UsageError(name, "was removed: \(replacement)")
    }
    let units = value("ISOMETRY_MATRIX_UNITS") ?? MatrixUnitUse.auto.rawValue
    guard let matrixUnits = MatrixUnitUse(rawValue: units) else {
      throw UsageError(
        "ISOMETRY_MATRIX_UNITS", "should be auto, off or emulated, not \(units)")
    }
    self.matrixUnits = matrixUnits
    // The XDG Base Directory Specification: a relative path there counts as absent.
    let caches =
      value("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? value("HOME").map { "\($0)/.cache" }
    slurmJob = value("SLURM_JOB_ID")
    group = RankGroup(Launcher(variables))
    cacheDirectory = value("ISOMETRY_CACHE_DIR") ?? caches.map { "\($0)/isometry" }
  }

  /// Variables of earlier versions, which would be a trap if they were ignored.
  private static let removedVariables = [
    ("ISOMETRY_PROLOGUES", "set ISOMETRY_DISABLE=prologues to do without prologues"),
    ("ISOMETRY_COMMAND_BUFFERS", "set ISOMETRY_DISABLE=command-buffers to do without them"),
    ("ISOMETRY_TUNING", "set ISOMETRY_DISABLE=tuning to do without tuned tiles"),
    ("ISOMETRY_TF32", "unset it; --precision tf32 turns tf32 on"),
    ("ISOMETRY_WINOGRAD", "OpenCL devices no longer use Winograd's algorithm; unset it"),
  ]

  /// The store of measured tiles; nil without a cache directory.
  var tuningStore: TuningStore? {
    cacheDirectory.map { TuningStore(folder: "\($0)/tiles") }
  }

  /// The tiles that were measured on a device; none if they are not to be used.
  @Sendable func measuredTiles(_ key: TileKey) -> TileTable {
    guard !disabled.contains(.tuning) else { return [:] }
    return tuningStore?.record(for: key, warn: Self.warn)?.table ?? [:]
  }

  @Sendable static func warn(_ line: String) {
    StandardStream.error.write("isometry: warning: \(line)\n")
  }

  /// Warns if compiled kernels cannot be kept, which costs every run the time to compile them.
  func warnOfLostPrograms() {
    guard let cacheDirectory else {
      Self.warn(
        "neither HOME nor XDG_CACHE_HOME names a folder for compiled kernels, "
          + "so every run compiles them again; set ISOMETRY_CACHE_DIR to a folder")
      return
    }
    _ = try? MadeFolders(for: cacheDirectory)
    guard !FileManager.default.isWritableFile(atPath: cacheDirectory + "/") else { return }
    Self.warn(
      "\(cacheDirectory) is not a writable folder, so every run compiles its kernels again; "
        + "set ISOMETRY_CACHE_DIR to a writable one")
  }
}
