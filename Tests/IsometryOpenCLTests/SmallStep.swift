import IsometryCore
import IsometryGraph

@testable import IsometryLowering
@testable import IsometryOpenCL

extension Graph {
  /// The launches of the graph, without a device.
  func lowered(matrixUnits: MatrixUnits? = nil) -> LaunchPlan {
    var lowering = Lowering(
      self, LoweringOptions(matrixUnits: matrixUnits),
      layouts: LayoutAssignment(self, variables: [:]))
    return lowering.plan()
  }
}

/// A training step that is small and has every part of a large one.
enum SmallStep {
  /// Two convolutions with Batch Normalization, a loss and an update with momentum.
  static func graph() -> Graph { built().optimized(for: .kernels()) }

  /// The same as autodiff builds it.
  static func built() -> Graph {
    var graph = Graph()
    let bytes = graph.input("images", [8, 3, 16, 16], .uint8)
    let labels = graph.input("labels", [8], .int32)
    let samples = graph.input("samples", [2], .int32)
    let schedule = graph.input("schedule", [2])
    var x = graph.decodeImages(
      bytes, samples: samples,
      ImageDecoding(
        mean: [0.5, 0.5, 0.5], deviation: [1, 1, 1], dtype: .float32, augmentation: nil))
    var parameters: [Value] = []
    func parameter(_ name: String, _ shape: Shape) -> Value {
      parameters.append(graph.variable(name, shape))
      return parameters.last!
    }
    for (index, channels) in [16, 32].enumerated() {
      let weight = parameter("weight\(index)", [channels, graph.shape(of: x)[1], 3, 3])
      x = graph.convolve(x, with: weight, stride: index + 1, padding: 1)
      let scale = parameter("scale\(index)", [channels])
      let shift = parameter("shift\(index)", [channels])
      x = graph.batchNormalization(x, scale: scale, shift: shift).y
      x = graph.activation(x, .relu)
    }
    let logits = graph.dense(graph.globalAveragePool(x), weight: parameter("head", [10, 32]))
    let (loss, _, _) = graph.softmaxCrossEntropy(logits, labels: labels)
    graph.output("loss", loss)
    let gradients = graph.gradients(of: loss, withRespectTo: parameters)
    var operands = [schedule]
    for (index, parameter) in parameters.enumerated() {
      let slot = graph.variable("momentum\(index)", graph.shape(of: parameter))
      operands += [parameter, gradients[index]!, slot]
    }
    let update = Update(
      .sgd(momentum: 0.9, nesterov: true), parameters: parameters.map { _ in .init() },
      hasGradientScale: false)
    graph.append(.update(update), operands)
    return graph
  }

  /// Random contents for the graph's inputs.
  static func inputs(seed: UInt64) -> [String: HostTensor] {
    var random = RandomStream(seed: seed)
    let shape: Shape = [8, 3, 16, 16]
    let bytes = (0..<shape.elementCount).map { _ in UInt8(random.integer(below: 256)) }
    return [
      "images": HostTensor(TensorType(shape, .uint8), bytes: bytes),
      "labels": HostTensor([8], (0..<8).map { _ in Int32(random.integer(below: 10)) }),
      "samples": HostTensor([2], [0, 0] as [Int32]),
      "schedule": HostTensor([2], [0.1, 1]),
    ]
  }

  /// Random contents for its parameters.
  static func writeParameters(to session: any Session, seed: UInt64) throws {
    var random = RandomStream(seed: seed)
    for (name, value) in session.graph.variables where !name.hasPrefix("momentum") {
      let shape = session.graph.shape(of: value)
      let numbers = random.normals(shape.elementCount).map {
        name.hasPrefix("scale") ? 1 : 0.1 * $0
      }
      try session.write(HostTensor(shape, numbers), toVariable: name)
    }
  }
}

extension MatrixUnits {
  static let tensorCores = MatrixUnits(kind: .tensorCores)
  static let emulated = MatrixUnits(kind: .emulated)
}
