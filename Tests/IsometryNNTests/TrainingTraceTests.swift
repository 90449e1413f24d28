import Foundation
import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import Testing

/// Whole training steps against PyTorch in double precision: network, loss, gradients, optimizer,
/// running statistics and evaluation (fixture from scripts/reference/training_traces.py).
@Suite struct TrainingTraceTests {
  static let batch = 6
  static let rate: Float = 0.125

  struct Trace: Sendable, CustomStringConvertible {
    let kind: String
    let block: BlockKind
    let optimizer: String
    let smoothing: Double
    /// Of each training step, and of one batch in evaluation mode after them: of one view, and for the
    /// speedrun network also of six.
    let losses: [Double]

    var description: String { "\(kind) \(block) \(optimizer)" }

    var network: any Network {
      kind == "speedrun"
        ? SpeedrunNetwork(widths: [6, 8, 12], hasFixedStem: true, imageShape: [3, 26, 26])
        : ResidualNetwork(
          widths: [4, 6], depths: [1, 2], block: block,
          normalization: kind == "batch" ? .batch : .none, imageShape: [3, 8, 8])
    }

    var views: [EvaluationViews] { kind == "speedrun" ? [.one, .six] : [.one] }

    static let all: [Trace] = {
      let folder = URL(filePath: #filePath).deletingLastPathComponent()
      let file = folder.appending(path: "Fixtures/training_traces.txt")
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
        let words = line.split(separator: " ").map(String.init)
        return Trace(
          kind: words[0], block: words[1] == "basic" ? .basic : .bottleneck(expansion: 4),
          optimizer: words[2],
          smoothing: Double(words[3]) ?? .nan, losses: words.dropFirst(4).compactMap(Double.init))
      }
    }()
  }

  /// The optimizer, and its learning rate.
  private func optimizer(_ name: String) throws -> (StandardOptimizer, rate: Float) {
    switch name {
    case "nesterov": (.default, Self.rate)
    case "clipped":
      (StandardOptimizer(.sgd(momentum: 0, nesterov: false), maximumGradientNorm: 0.5), Self.rate)
    case "adam":
      (
        StandardOptimizer(
          .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decoupled: false), weightDecay: 0.01),
        Self.rate / 64
      )
    case "adamw":
      (
        StandardOptimizer(
          .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decoupled: true), weightDecay: 0.1),
        Self.rate / 64
      )
    case "rmsprop":
      (StandardOptimizer(.rmsProp(alpha: 0.9, epsilon: 1e-8, momentum: 0.5)), Self.rate / 64)
    default: try #require(nil as (StandardOptimizer, Float)?, "an optimizer called \(name)")
    }
  }

  private func writeFormula(_ layout: NetworkLayout, to session: any Session) throws {
    for parameter in layout.parameters {
      let count = parameter.shape.elementCount
      let factor = layout.head?.bias == nil && parameter == layout.head?.weight ? 12.0 : 1
      let spread =
        parameter.role.isWeight ? factor / Double(parameter.fanIn).squareRoot() : 0.1
      let offset: Double = parameter.role == .normalizationScale ? 1 : 0
      let phase = 1 + Double(parameter.position)
      let elements: [Double] = (0..<count).map { offset + spread * sin(phase + 0.7 * Double($0)) }
      try session.write(
        HostTensor(parameter.shape, elements, as: .float64), toVariable: parameter.name)
    }
    for statistic in layout.statistics where statistic.kind == .variance {
      let ones = [Double](repeating: 1, count: statistic.shape.elementCount)
      try session.write(
        HostTensor(statistic.shape, ones, as: .float64), toVariable: statistic.name)
    }
  }

  private func inputs(_ shape: Shape, step: Int) -> [String: HostTensor] {
    let bytes = (0..<shape.elementCount).map {
      UInt8(truncatingIfNeeded: 97 * ($0 + step) + 31 * ($0 >> 3))
    }
    let labels = (0..<shape[0]).map { Int32(($0 * 3 + step) % 10) }
    return [
      StepNames.images: HostTensor(TensorType(shape, .uint8), bytes: bytes),
      StepNames.labels: HostTensor([shape[0]], labels),
      StepNames.samples: HostTensor([2], [0, 0] as [Int32]),
    ]
  }

  @Test(arguments: Trace.all, [false, true])
  func lossesArePyTorchs(trace: Trace, fuses: Bool) throws {
    try check(trace, trace.network, fuses: fuses)
  }

  private func check(_ trace: Trace, _ network: some Network, fuses: Bool) throws {
    let (optimizer, rate) = try optimizer(trace.optimizer)
    let training = TrainingGraph(
      network,
      .init(
        batch: Self.batch, precision: .float64, optimizer: optimizer,
        labelSmoothing: trace.smoothing))
    let backend = ReferenceBackend<Double>()
    func makeSession(_ graph: Graph, sharing session: (any Session)? = nil) throws -> any Session {
      try fuses
        ? backend.makeSession(for: graph, sharing: session)
        : backend.bind(graph, sharing: session)
    }
    let session = try makeSession(training.graph)
    try writeFormula(training.layout, to: session)
    let shape = network.batchShape(Self.batch)
    var losses: [Double] = []
    for step in 0..<trace.losses.count - trace.views.count {
      var inputs = inputs(shape, step: step)
      inputs[StepNames.schedule] = HostTensor([2], [rate, Float(step + 1)])
      try session.run(inputs)
      losses.append(try session.read(output: StepNames.loss).scalar)
    }
    let total = try session.read(variable: StepNames.trainingLoss).scalar
    #expect(abs(total - losses.reduce(0, +)) < 1e-12)

    let last = inputs(shape, step: losses.count)
    for views in trace.views {
      let evaluation = EvaluationGraph(
        network, batch: Self.batch, precision: .float64, views: views)
      let evaluating = try makeSession(evaluation.graph, sharing: session)
      try evaluating.run(last)
      losses.append(try evaluating.read(output: StepNames.loss).scalar)
    }
    for (found, expected) in zip(losses, trace.losses) {
      #expect(abs(found / expected - 1) < 1e-10, "\(found) should be \(expected)")
    }
  }

  @Test func theFixtureIsThere() {
    #expect(Trace.all.count == 21)
    #expect(Trace.all.allSatisfy { $0.losses.count == 5 + $0.views.count })
  }
}
