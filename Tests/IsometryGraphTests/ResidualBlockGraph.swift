import IsometryCore

@testable import IsometryGraph

/// A small training step with everything that the passes look for: a stem, one residual block with or
/// without Batch Normalization, a head, the loss and SGD.
func makeResidualStep(normalized: Bool, momentum: Double = 0.9) -> Graph {
  var graph = Graph()
  var parameters: [Value] = []
  func parameter(_ name: String, _ shape: Shape) -> Value {
    let value = graph.variable(name, shape)
    parameters.append(value)
    return value
  }
  func convolve(_ x: Value, _ name: String, _ weight: Shape) -> Value {
    let y = graph.convolve(x, with: parameter("\(name).weight", weight), padding: 1)
    guard normalized else {
      return graph.biasAdd(y, parameter("\(name).bias", [weight[0]]))
    }
    let result = graph.batchNormalization(
      y, scale: parameter("\(name).scale", [weight[0]]),
      shift: parameter("\(name).shift", [weight[0]]))
    let running = graph.variable("\(name).running_mean", [weight[0]])
    graph.append(.runningAverage([RunningAverage(momentum: 0.1)]), [running, result.mean])
    return result.y
  }
  let x = graph.input("images", [4, 3, 8, 8])
  let labels = graph.input("labels", [4], .int32)
  let schedule = graph.input("schedule", [2])
  let stem = graph.activation(convolve(x, "stem", [16, 3, 3, 3]), .relu)
  let inner = graph.activation(convolve(stem, "first", [16, 16, 3, 3]), .relu)
  let branch = convolve(inner, "second", [16, 16, 3, 3])
  let block = graph.activation(graph.add(branch, stem), .relu)
  let pooled = graph.globalAveragePool(block)
  let logits = graph.biasAdd(
    graph.dense(pooled, weight: parameter("head.weight", [10, 16])), parameter("head.bias", [10]))
  let loss = graph.softmaxCrossEntropy(logits, labels: labels)
  let gradients = graph.gradients(of: loss.loss, withRespectTo: parameters)
  for (value, gradient) in zip(parameters, gradients) {
    let update = Update(
      .sgd(momentum: momentum, nesterov: true), parameters: [.init(weightDecay: 5e-4)],
      hasGradientScale: false)
    guard case .variable(let name, let type) = graph.producer(of: value).operation, let gradient
    else { preconditionFailure("every parameter has a gradient") }
    let slot = graph.variable("\(name).momentum", type.shape)
    graph.append(.update(update), [schedule, value, gradient, slot])
  }
  graph.output("loss", loss.loss)
  return graph
}
