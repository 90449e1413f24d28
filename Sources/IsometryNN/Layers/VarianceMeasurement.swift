internal import IsometryCore
internal import IsometryGraph

extension NetworkBuilder {
  static func varianceOutput(of weight: String) -> String { "variance(\(weight))" }

  /// y itself. If the builder measures, the result is y divided by its standard deviation over the
  /// batch and all its elements. The variance then is an output.
  mutating func withUnitVariance(_ y: Value, behind weight: Parameter) -> Value {
    guard measuresDeviations else { return y }
    let (shape, type) = (graph.shape(of: y), graph.type(of: y).dtype.accumulator)
    // With one channel a normalization computes the variance of all elements.
    let image: Shape =
      shape.rank == 4
      ? [shape[0], 1, shape[1] * shape[2], shape[3]] : [shape[0], 1, shape[1], 1]
    let single = graph.reshape(y, to: image)
    func fill(_ number: Double) -> Value {
      graph.append(.fill(number, TensorType([1], type)))[0]
    }
    let (one, zero) = (fill(1), fill(0))
    let variance = graph.batchNormalization(single, scale: one, shift: zero).variance
    graph.output(Self.varianceOutput(of: weight.name), variance)
    // The epsilon is negligible compared with any variance that y can be divided by.
    let scaled = graph.frozenNormalization(
      single, scale: one, shift: zero, mean: zero, variance: variance, epsilon: 1e-30)
    return graph.reshape(scaled, to: shape)
  }
}
