public import IsometryData
public import IsometryGraph
import IsometryNN

extension Checkpoint {
  /// A session of an evaluation graph that holds the checkpoint's model.
  ///
  /// - Parameters:
  ///   - configuration: the checkpoint's, perhaps with another precision.
  ///   - batch: images of one step.
  ///   - path: the path that errors name.
  /// - Throws: `CheckpointError` if the file is of another network than it says; otherwise as
  ///   `TrainingRun.init`.
  public func makeEvaluationSession(
    _ configuration: RunConfiguration, batch: Int, normalizing statistics: ChannelStatistics,
    on backend: any Backend, path: String
  ) throws -> any Session {
    try backend.requireSupport(for: configuration.precision)
    let graph = try configuration.makeEvaluationGraph(batch: batch, normalizing: statistics)
    let session = try backend.makeSession(for: graph.graph)
    try restore(
      to: session, modelNames: graph.layout.modelNames, includingTraining: false, path: path)
    return session
  }
}
