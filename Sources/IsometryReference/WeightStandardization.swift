internal import IsometryCore
internal import IsometryGraph
internal import RealModule

extension NodeExecution {
  /// ŵ = factor·gain·(w − mean)/√(Σ(w − mean)² + ε) for the weights w of each unit.
  func standardizeWeights(_ attributes: WeightStandardization) {
    for (index, factor) in attributes.factors.enumerated() {
      let (weight, gain) = (inputs[2 * index], inputs[2 * index + 1].elements)
      for (unit, positions) in weight.units.enumerated() {
        let (centered, deviation) = centered(weight.elements[positions], attributes.epsilon)
        for (position, value) in zip(positions, centered) {
          results[index].elements[position] = Scalar(factor) * gain[unit] * value / deviation
        }
      }
    }
  }

  /// dgain = factor·Σ dy·v/s and dw = factor·gain/s·(dy − mean(dy) − v·Σ(dy·v)/s²), with v = w − mean(w)
  /// and s = √(Σv² + ε).
  func weightStandardizationGradient(_ attributes: WeightStandardization) {
    for (index, factor) in attributes.factors.enumerated() {
      let (dy, weight) = (inputs[3 * index].elements, inputs[3 * index + 1])
      let gain = inputs[3 * index + 2].elements
      for (unit, positions) in weight.units.enumerated() {
        let (centered, deviation) = centered(weight.elements[positions], attributes.epsilon)
        var (sum, product): (Scalar, Scalar) = (0, 0)
        for (position, value) in zip(positions, centered) {
          sum += dy[position]
          product += dy[position] * value
        }
        let mean = sum / Scalar(positions.count)
        let slope = product / (deviation * deviation)
        for (position, value) in zip(positions, centered) {
          results[2 * index].elements[position] =
            Scalar(factor) * gain[unit] / deviation * (dy[position] - mean - value * slope)
        }
        results[2 * index + 1].elements[unit] = Scalar(factor) * product / deviation
      }
    }
  }

  /// w − mean(w), and √(Σ(w − mean(w))² + ε).
  private func centered(
    _ weights: Slice<Elements>, _ epsilon: Double
  ) -> (values: [Scalar], deviation: Scalar) {
    let mean = weights.reduce(0, +) / Scalar(weights.count)
    let values = weights.map { $0 - mean }
    return (values, .sqrt(values.reduce(Scalar(epsilon)) { $0 + $1 * $1 }))
  }
}

extension Tensor {
  /// The positions of the weights of each unit of a weight [K, …].
  fileprivate var units: [Range<Int>] {
    let length = shape.elementCount(from: 1)
    return (0..<shape[0]).map { $0 * length..<($0 + 1) * length }
  }
}
