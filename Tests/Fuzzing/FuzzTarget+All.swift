import DeviceRuntime
import IsometryBenchmarks
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryReport
import IsometryTraining

extension FuzzTarget {
  package static let all = [
    safetensors, cifar, images, settings, tiles, programs, run,
  ]

  /// A checkpoint, with the header of its file, its configuration and its state.
  private static let safetensors = FuzzTarget("safetensors", files: "a.safetensors") { folder in
    let (path, copy) = ("\(folder)/a.safetensors", "\(folder)/b.safetensors")
    guard let file = try accepted({ try Safetensors(contentsOf: path) }) else { return }
    try file.write(to: copy)
    try FuzzFinding.requireEqual(file, Safetensors(contentsOf: copy))
    guard let checkpoint = try accepted({ try Checkpoint(contentsOf: path) }) else { return }
    try checkpoint.write(to: copy)
    try FuzzFinding.requireEqual(checkpoint, Checkpoint(contentsOf: copy))
  }

  /// The test images of CIFAR-10, with the list of counts and the names of classes.
  private static let cifar = FuzzTarget(
    "cifar", files: CIFAR10.recordCountsFile, CIFAR10.classNamesFile, CIFAR10.testFile
  ) { folder in
    _ = try accepted { try CIFAR10.load(.test, from: folder) }
  }

  /// A converted folder of images, with its description.
  private static let images = FuzzTarget(
    "images", files: "set.json", "classes.txt", "train-images.bin", "test-images.bin"
  ) { folder in
    guard let source = try accepted({ try source(of: folder) }) else { return }
    for split in DatasetSplit.allCases {
      guard let images = try accepted({ try source.load(split) }), images.count > 0 else {
        continue
      }
      _ = images.normalizedImages(1)
    }
  }

  private static func source(of folder: String) throws -> DatasetSource {
    try DatasetSource.resolve(
      option: folder, recorded: nil, environment: nil, workingDirectory: folder)
  }

  /// The file of `isometry train --config`.
  private static let settings = FuzzTarget("settings", files: "a.yaml") { folder in
    guard
      let configuration = try accepted({ try RunTemplate(file: "\(folder)/a.yaml").configuration }),
      try accepted({ try configuration.check() }) != nil
    else { return }
    let lines = try configuration.yamlLines().map { $0 + "\n" }
    try InputFolder.write(Array(lines.joined().utf8), "\(folder)/b.yaml")
    try FuzzFinding.requireEqual(
      configuration, RunTemplate(file: "\(folder)/b.yaml").configuration)
  }

  private static let tileKey = TileKey(
    device: "d", driver: "1", computeCapability: nil, kernels: "k")

  /// The record of tuned tiles.
  private static let tiles = FuzzTarget("tiles", files: "d-1-k.json") { folder in
    let store = TuningStore(folder: folder)
    guard let record = store.record(for: tileKey, warn: { _ in }) else { return }
    _ = record.table
    try JSONFile.write(record, to: store.path(for: tileKey))
    try FuzzFinding.requireEqual(record, store.record(for: tileKey, warn: { _ in }))
  }

  /// An entry of the cache of compiled kernels.
  private static let programs = FuzzTarget("programs", files: "a.clbin") { folder in
    let (path, key) = ("\(folder)/a.clbin", Array("key".utf8))
    guard let binary = ProgramCache.load(path, key: key) else { return }
    ProgramCache.store(binary, key: key, at: "\(folder)/b.clbin", in: folder)
    try FuzzFinding.requireEqual(WholeFile.read(path), WholeFile.read("\(folder)/b.clbin"))
  }

  /// The folder of a run: the tables of `isometry runs`, the page of `isometry report`, and the log with
  /// which a run continues.
  private static let run = FuzzTarget(
    "run", files: "config.json", "environment.json", "log.jsonl"
  ) { folder in
    guard let record = try accepted({ try RunRecord(folder) }) else { return }
    _ = record.fields
    let run = ReportedRun(record, withoutMeasurements: "none")
    _ = Report([run]).page
    _ = Report([run, run]).page
    _ = try accepted {
      let log = try RunLog(path: "\(folder)/log.jsonl", keepingUntil: TrainingState())
      return log.hasSpectrum
    }
  }
}
