import IsometryCPU
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

/// Trains `LowRankNetwork` for three epochs.
@main
enum Program {
  static func main() throws {
    let train = SyntheticImages.make(.train, count: 2_560)
    let test = SyntheticImages.make(.test, count: 500)
    let (batch, epochs) = (64, 3)

    let network = LowRankNetwork(rank: 8)
    let step = TrainingGraph(network, .init(batch: batch, statistics: train.normalization))
    for layer in step.layout.layers where layer.weight.name.hasPrefix("low_rank") {
      print("\(layer.weight.name) \(layer.weight.shape)")
    }

    let backend = CPUBackend()
    let session = try backend.makeSession(for: step.graph)
    let initializer = try InitializerRegistry.make("he")
    try step.writeInitialState(to: session, initializer: initializer, seed: 1)

    let evaluation = EvaluationGraph(network, batch: 250, statistics: train.normalization)
    let evaluator = Evaluator(
      session: try backend.makeSession(for: evaluation.graph, sharing: session), dataset: test)
    let schedule = LearningRateSchedule(
      .oneCycle(peak: 0.2), peakRate: 0.1, totalSteps: epochs * (train.count / batch))
    let trainer = try Trainer(
      session: session, evaluator: evaluator, dataset: train,
      settings: .init(epochs: epochs, schedule: schedule, seed: 1))
    _ = try trainer.run { event in
      guard case .epochEnded(let record) = event else { return }
      print(
        "epoch \(record.epoch): loss \(Float(record.trainLoss)), "
          + "test accuracy \(Float(record.testAccuracy))")
    }
  }
}
