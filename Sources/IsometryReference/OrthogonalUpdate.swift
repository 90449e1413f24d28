internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  /// The direction of each parameter over its Frobenius norm, as a matrix.
  func momentumDirections(_ update: OrthogonalUpdate) {
    let header = update.hasGradientScale ? 1 : 0
    let scale = update.hasGradientScale ? inputs[0].elements[0] : 1
    let (share, kept) = (Scalar(update.gradientShare) * scale, Scalar(update.momentumShare))
    let size = inputs[header].elements.count
    for matrix in 0..<results[0].shape[0] {
      let (gradient, momentum) = (inputs[header + 2 * matrix], inputs[header + 2 * matrix + 1])
      var direction = gradient.elements.indices.map {
        share * gradient.elements[$0] + kept * momentum.elements[$0]
      }
      let factor = 1 / (norm(of: direction) + OrthogonalUpdate.epsilon)
      for index in direction.indices { direction[index] *= Scalar(factor) }
      for (place, index) in zip(0..<size, order(of: gradient.shape)) {
        results[0].elements[matrix * size + place] = direction[index]
      }
    }
  }

  /// p ← p·√outputs/‖p‖ if the norm is kept; p −= η·(direction + λ·p); m ← μ·m + g.
  func apply(_ update: OrthogonalUpdate, count: Int) {
    let rate = Scalar(Double(inputs[0].elements[0]) * update.learningRateScale)
    let scale = update.hasGradientScale ? inputs[1].elements[0] : 1
    if scale == 0 { return }
    let directions = inputs[update.headerCount - 1].elements
    for (matrix, range) in update.inputRanges(count: count).enumerated() {
      let operands = inputs[range].map(\.elements)
      let (parameter, gradient, momentum) = (operands[0], operands[1], operands[2])
      let shape = inputs[range.lowerBound].shape
      let wanted = Double(shape[0]).squareRoot()
      let kept =
        (update.keepsNorm ? Scalar(wanted / (norm(of: parameter) + OrthogonalUpdate.epsilon)) : 1)
        * (1 - rate * Scalar(update.weightDecay))
      for (place, index) in zip(parameter.indices, order(of: shape)) {
        let direction = directions[matrix * parameter.count + place]
        parameter[index] = kept * parameter[index] - rate * direction
        momentum[index] = Scalar(update.momentum) * momentum[index] + scale * gradient[index]
      }
    }
  }

  /// √Σx², summed in double precision.
  private func norm(of elements: some Collection<Scalar>) -> Double {
    var total = 0.0
    for element in elements { total += Double(element) * Double(element) }
    return total.squareRoot()
  }

  /// The positions in a parameter of the elements of its matrix, row by row: [R·S·C, K] of [K, C, R, S].
  private func order(of shape: Shape) -> [Int] {
    guard shape.rank == 4 else { return Array(0..<shape.elementCount) }
    let taps = shape[2] * shape[3]
    return (0..<taps).flatMap { tap in
      (0..<shape[1]).flatMap { channel in
        (0..<shape[0]).map { ($0 * shape[1] + channel) * taps + tap }
      }
    }
  }
}
