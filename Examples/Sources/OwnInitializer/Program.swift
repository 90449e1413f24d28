import IsometryCPU
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

/// Trains ResNet-20 without normalization from He's weights and from those of `DepthScaled`.
@main
enum Program {
  static func main() throws {
    let network = try ModelSpecification("resnet20").network(NetworkOptions(normalization: .none))
    let he = try InitializerRegistry.make("he")
    let initializers: [any Initializer] = [he, DepthScaled()]
    for initializer in initializers {
      let result = try train(network, from: initializer)
      print("\(type(of: initializer).name): \(result)")
    }
  }

  /// The result of two epochs, or the reason for which training stopped.
  static func train(_ network: any Network, from initializer: any Initializer) throws -> String {
    let train = SyntheticImages.make(.train, count: 2_560)
    let test = SyntheticImages.make(.test, count: 500)
    let (batch, epochs) = (64, 2)

    let backend = CPUBackend()
    let step = TrainingGraph(network, .init(batch: batch, statistics: train.normalization))
    let session = try backend.makeSession(for: step.graph)
    try step.writeInitialState(to: session, initializer: initializer, seed: 1)

    let evaluation = EvaluationGraph(network, batch: 250, statistics: train.normalization)
    let evaluator = Evaluator(
      session: try backend.makeSession(for: evaluation.graph, sharing: session), dataset: test)
    let schedule = LearningRateSchedule(
      .oneCycle(peak: 0.2), peakRate: 0.05, totalSteps: epochs * (train.count / batch))
    let trainer = try Trainer(
      session: session, evaluator: evaluator, dataset: train,
      settings: .init(epochs: epochs, schedule: schedule, seed: 1))

    var result = ""
    do {
      _ = try trainer.run { event in
        guard case .epochEnded(let record) = event else { return }
        result =
          "loss \(Float(record.trainLoss)), test accuracy \(Float(record.testAccuracy)) "
          + "after \(record.epoch) epochs"
      }
    } catch TrainingError.nonFiniteLoss(_, _, let lastStep, _, _, _) {
      result = "the loss was not finite at step \(lastStep)"
    }
    return result
  }
}
