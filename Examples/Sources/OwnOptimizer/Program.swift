import IsometryCPU
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

/// Lion (Chen et al., 2023), with g the gradient and m the momentum:
/// p ← p − η·(sign(0.9·m + 0.1·g) + λ·p); m ← 0.99·m + 0.01·g.
struct Lion: Optimizer {
  let weightDecay = 0.1

  func append(
    to graph: inout Graph, parameters: [TrainedParameter], schedule: Value, gradientScale: Value?
  ) {
    for trained in parameters {
      let (p, g, type) = (trained.variable, trained.gradient, graph.type(of: trained.variable))
      let rate = graph.learningRate(of: schedule, as: type.dtype)
      let m = graph.variable("\(trained.parameter.name).momentum", type.shape, type.dtype)
      let mixed = graph.add(graph.scale(m, by: 0.9), graph.scale(g, by: 0.1))
      let sign = graph.activation(graph.scale(mixed, by: 1e20), .hardTanh)
      let direction = graph.add(sign, graph.scale(p, by: trained.weightDecay))
      graph.assign(graph.subtract(p, graph.scalarMultiply(direction, by: rate)), to: p)
      graph.assign(graph.add(graph.scale(m, by: 0.99), graph.scale(g, by: 0.01)), to: m)
    }
  }
}

/// Trains ResNet-8 with `Lion`.
@main
enum Program {
  static func main() throws {
    let train = SyntheticImages.make(.train, count: 1_280)
    let test = SyntheticImages.make(.test, count: 500)
    let (batch, epochs) = (32, 4)

    let network = try ModelSpecification("resnet8").network(NetworkOptions(normalization: .batch))
    let step = TrainingGraph(
      network, .init(batch: batch, optimizer: Lion(), statistics: train.normalization))
    let session = try CPUBackend().makeSession(for: step.graph)
    try step.writeInitialState(to: session, initializer: InitializerRegistry.make("he"), seed: 1)
    let evaluation = EvaluationGraph(network, batch: 250, statistics: train.normalization)
    let evaluator = Evaluator(
      session: try CPUBackend().makeSession(for: evaluation.graph, sharing: session),
      dataset: test)
    let schedule = LearningRateSchedule(
      .cosine, peakRate: 1e-3, totalSteps: epochs * (train.count / batch))
    let trainer = try Trainer(
      session: session, evaluator: evaluator, dataset: train,
      settings: .init(epochs: epochs, schedule: schedule, seed: 1))
    _ = try trainer.run { event in
      guard case .epochEnded(let record) = event else { return }
      print("epoch \(record.epoch): loss \(Float(record.trainLoss))")
    }
  }
}
