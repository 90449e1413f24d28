import IsometryCore
import IsometryTraining

/// A run whose folder exists.
struct BegunRun {
  let folder: RunFolder
  /// nil if the run was killed before it wrote a checkpoint.
  let checkpoint: Checkpoint?
  /// The file of the checkpoint.
  let checkpointPath: String
  let configuration: RunConfiguration
  /// Lines for people about the place from which the run continues, and about what is not used.
  private(set) var remarks: [String] = []

  /// What all ranks know of the run.
  struct Start: Codable {
    let configuration: RunConfiguration
    /// nil if the run was killed before it wrote a checkpoint.
    let place: TrainingState?
    let remarks: [String]
  }

  var start: Start {
    Start(configuration: configuration, place: checkpoint?.state, remarks: remarks)
  }

  /// - Parameter path: a run, which continues from its newest whole checkpoint, or a checkpoint of a run.
  /// - Throws: `UsageError` for a checkpoint outside of a run; as `RunFolder.open` and
  ///   `RunFolder.readNewestCheckpoint`.
  init(_ path: String) throws {
    guard RunFolder.isFile(path) else {
      folder = try RunFolder.open(path)
      let start = try folder.readNewestCheckpoint()
      checkpoint = start?.checkpoint
      checkpointPath = start?.path ?? folder.latestCheckpointPath
      configuration = try checkpoint?.configuration ?? folder.readConfiguration()
      remarks = (start?.damage ?? []).map { errorText(of: $0) }
      if !remarks.isEmpty { remarks.append("continuing from \(checkpointPath) instead") }
      remarks += editedSettings
      return
    }
    guard let run = RunFolder.run(ofCheckpoint: path) else {
      throw UsageError(
        "--resume",
        "takes a run, or a checkpoint in a run as RUN/checkpoints/epoch-1.safetensors, not \(path)"
      )
    }
    folder = try RunFolder.open(run)
    let checkpoint = try Checkpoint(contentsOf: path)
    self.checkpoint = checkpoint
    checkpointPath = path
    configuration = checkpoint.configuration
    if path != folder.latestCheckpointPath {
      remarks = [
        "continuing from \(path); the log and the checkpoints of later epochs are cut back to it"
      ]
    }
    remarks += editedSettings
  }

  /// The settings in `config.json` that are not those of the checkpoint, which count.
  private var editedSettings: [String] {
    guard checkpoint != nil else { return [] }
    do {
      let written = try folder.readConfiguration().settings
      return zip(written, configuration.settings).compactMap { written, kept in
        guard written.value != kept.value else { return nil }
        let name = Term.programNames[kept.setting] ?? kept.setting.name
        return "config.json has \(name) \(written.value), but the run keeps \(kept.value), as its "
          + "checkpoint says"
      }
    } catch {
      return ["config.json is written again, since \(errorText(of: error))"]
    }
  }
}

extension TrainingRun {
  /// Takes over the checkpoint of a run that continues, or the weights that a new run starts from.
  func takeStart(_ begun: BegunRun?, _ console: Console) throws {
    if let begun, let checkpoint = begun.checkpoint {
      return try restore(checkpoint, path: begun.checkpointPath)
    }
    guard let from = configuration.from else { return }
    let network = try TrainedNetwork(from, console)
    let kept = try adopt(network.checkpoint, path: network.path)
    console.note(
      "from    \(network.checkpoint.configuration.model) of \(network.path)"
        + (kept.isEmpty ? "" : "; initial values remain in \(kept.joined(separator: ", "))"))
  }
}
