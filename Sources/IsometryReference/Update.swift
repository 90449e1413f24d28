internal import IsometryCore
internal import IsometryGraph
internal import RealModule

extension NodeExecution {
  /// One step of the optimizer for each parameter; what depends on the step alone is computed in
  /// double precision.
  func apply(_ update: Update) {
    let (rate, step) = (Double(inputs[0].elements[0]), Double(inputs[0].elements[1]))
    let gradientScale = update.hasGradientScale ? inputs[1].elements[0] : 1
    if gradientScale == 0 { return }
    for (parameter, range) in zip(update.parameters, update.inputRanges) {
      let operands = inputs[range].map(\.elements)
      let values = operands[0]
      let gradients = operands[1]
      let slots = Array(operands.dropFirst(2))
      let rate = Scalar(rate * parameter.learningRateScale)
      let decay = Scalar(parameter.weightDecay)
      switch update.rule {
      case .sgd(let momentum, let nesterov):
        let momentum = Scalar(momentum)
        for index in values.indices {
          let gradient = gradients[index] * gradientScale + decay * values[index]
          guard let velocity = slots.first else {
            values[index] -= rate * gradient
            continue
          }
          velocity[index] = momentum * velocity[index] + gradient
          let direction = nesterov ? gradient + momentum * velocity[index] : velocity[index]
          values[index] -= rate * direction
        }
      case .adam(let beta1, let beta2, let epsilon, let decoupled):
        let (first, second) = (slots[0], slots[1])
        let firstCorrection = Scalar(1 / (1 - Double.pow(beta1, step)))
        let secondCorrection = Scalar(1 / (1 - Double.pow(beta2, step)))
        for index in values.indices {
          var gradient = gradients[index] * gradientScale
          if decoupled {
            values[index] -= rate * decay * values[index]
          } else {
            gradient += decay * values[index]
          }
          first[index] = Scalar(beta1) * first[index] + Scalar(1 - beta1) * gradient
          second[index] = Scalar(beta2) * second[index] + Scalar(1 - beta2) * gradient * gradient
          let deviation = Scalar.sqrt(second[index] * secondCorrection) + Scalar(epsilon)
          values[index] -= rate * (first[index] * firstCorrection) / deviation
        }
      case .rmsProp(let alpha, let epsilon, let momentum):
        let squares = slots[0]
        for index in values.indices {
          let gradient = gradients[index] * gradientScale + decay * values[index]
          squares[index] = Scalar(alpha) * squares[index] + Scalar(1 - alpha) * gradient * gradient
          var direction = gradient / (.sqrt(squares[index]) + Scalar(epsilon))
          if slots.count > 1 {
            slots[1][index] = Scalar(momentum) * slots[1][index] + direction
            direction = slots[1][index]
          }
          values[index] -= rate * direction
        }
      }
    }
  }

  func updateRunningAverages(_ averages: [RunningAverage]) {
    for (position, average) in averages.enumerated() {
      let (running, value) = (inputs[2 * position].elements, inputs[2 * position + 1].elements)
      let (kept, added) = (
        Scalar(1 - average.momentum), Scalar(average.momentum * average.correction)
      )
      for index in running.indices { running[index] = kept * running[index] + added * value[index] }
    }
  }

  func accumulate(_ count: Int) {
    for position in 0..<count {
      let (total, value) = (inputs[2 * position].elements, inputs[2 * position + 1].elements)
      for index in total.indices { total[index] += value[index] }
    }
  }

  func gradientScale(_ scale: GradientScale) {
    let scaledNorm = Double(inputs[0].elements[0])
    let lossScale = scale.hasLossScale ? Double(inputs[1].elements[0]) : 1
    guard scaledNorm.isFinite else {
      let mayRetry = scale.hasLossScale && lossScale > LossScaling.minimum
      results[0].elements[0] = mayRetry ? 0 : .nan
      return
    }
    let norm = scaledNorm / lossScale
    var factor = 1.0
    if let maximum = scale.maximumNorm, norm > maximum { factor = maximum / norm }
    results[0].elements[0] = Scalar(factor / lossScale)
  }

  func updateLossScale(_ scaling: LossScaling) {
    let (scale, goodSteps) = (inputs[0].elements, inputs[1].elements)
    guard inputs[2].elements[0].isFinite else {
      scale[0] = max(scale[0] / 2, Scalar(LossScaling.minimum))
      goodSteps[0] = 0
      return
    }
    goodSteps[0] += 1
    if goodSteps[0] >= Scalar(scaling.growthInterval) {
      scale[0] = min(scale[0] * 2, Scalar(LossScaling.maximum))
      goodSteps[0] = 0
    }
  }
}
