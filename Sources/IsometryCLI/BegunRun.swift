import IsometryTraining

/// A run whose folder exists.
struct BegunRun {
  let folder: RunFolder
  /// nil if the run was killed before it wrote one.
  let checkpoint: Checkpoint?
  let configuration: RunConfiguration

  init(_ path: String) throws {
    folder = try RunFolder.open(path)
    checkpoint = try folder.readLatestCheckpoint()
    configuration = try checkpoint?.configuration ?? folder.readConfiguration()
  }
}
