import Foundation
import IsometryCPU
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryReference
import IsometryTraining
import TestSupport

/// Runs `body` with a new folder, and removes the folder.
@discardableResult
func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The names in a folder, hidden ones included, sorted.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

extension RunFolder {
  /// Takes a folder for a new run and begins it.
  static func begin(at path: String, for configuration: RunConfiguration) throws -> RunFolder {
    let folder = try reserve(at: path, for: configuration)
    try folder.write(configuration)
    return folder
  }
}

extension SmallRun {
  static func make(_ configuration: RunConfiguration = configuration()) throws -> TrainingRun {
    let backend: any Backend =
      configuration.device == "cpu" ? CPUBackend() : ReferenceBackend<Float>()
    return try TrainingRun(configuration, train: train, test: test, backend: backend)
  }
}

/// What a run told, with the times, which differ from run to run, taken out.
final class Records {
  private(set) var epochs: [[Double]] = []
  private(set) var progress: [TrainingProgress] = []
  private(set) var saved: [String] = []

  func handle(_ event: TrainingEvent) {
    switch event {
    case .epochEnded(let record):
      epochs.append([
        Double(record.epoch), record.trainLoss, record.trainAccuracy, record.testLoss,
        record.testAccuracy,
      ])
    case .progress(let progress): self.progress.append(progress)
    case .saved(let path): saved.append(path)
    case .evaluating, .observation: break
    }
  }
}

/// Another session, and a call after each of its steps.
final class CountingSession: Session {
  private let base: any Session
  private let afterStep: (Int) -> Void
  private var steps = 0

  init(_ base: any Session, afterStep: @escaping (Int) -> Void) {
    self.base = base
    self.afterStep = afterStep
  }

  func step(from slot: any StagingSlot) throws {
    try base.step(from: slot)
    steps += 1
    afterStep(steps)
  }

  var graph: Graph { base.graph }
  var report: SessionReport { base.report }
  func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
    try base.makeStagingSlots(count)
  }
  func write(_ tensor: HostTensor, toVariable name: String) throws {
    try base.write(tensor, toVariable: name)
  }
  func read(variable name: String) throws -> HostTensor { try base.read(variable: name) }
  func read(output name: String) throws -> HostTensor { try base.read(output: name) }
  func beginReading(variable name: String) throws -> any PendingRead {
    try base.beginReading(variable: name)
  }
  func synchronize() throws { try base.synchronize() }
  func takeInputWait() -> Double? { base.takeInputWait() }
}
