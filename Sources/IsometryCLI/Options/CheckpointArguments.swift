import ArgumentParser
import IsometryTraining

/// The argument of commands that take a trained network.
struct CheckpointArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The folder of a run, or a checkpoint.", valueName: "run|checkpoint"))
  var checkpoint: String

  @OptionGroup var weights: AveragedWeightsArguments

  func validate() throws { try checkPath(checkpoint, "the run or checkpoint") }

  /// The trained network. Its weights are finite.
  func open(_ console: Console) throws -> TrainedNetwork {
    try TrainedNetwork(checkpoint, console, selecting: weights.select)
  }
}

/// A checkpoint as the commands that measure a network take it.
struct TrainedNetwork {
  /// The file.
  let path: String
  /// The checkpoint with the averages of the weights in their place, if the run kept them and the last
  /// weights are not asked for.
  let checkpoint: Checkpoint
  /// The number of tensors in the file.
  let tensorCount: Int

  /// - Parameters:
  ///   - place: a checkpoint, or the folder of a run, which stands for its newest whole checkpoint.
  ///   - select: the weights; by default the averages if the run kept them.
  init(
    _ place: String, _ console: Console,
    selecting select: (Checkpoint) throws -> Checkpoint = { $0.averaged ?? $0 }
  ) throws {
    let start = RunFolder.isFile(place) ? nil : try RunFolder.newestCheckpoint(of: place)
    path = start?.path ?? RunFolder.checkpointPath(for: place)
    let saved = try start?.checkpoint ?? Checkpoint(contentsOf: path)
    tensorCount = saved.tensors.count
    checkpoint = try select(saved)
    try checkpoint.requireFiniteModel(path: path)
    guard let damage = start?.damage, !damage.isEmpty else { return }
    for error in damage { console.note(errorText(of: error)) }
    console.note("taking \(path) instead")
  }
}
