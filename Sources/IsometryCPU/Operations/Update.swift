internal import CVectorLoops
internal import Glibc
internal import IsometryCore
internal import IsometryGraph

/// A stretch of one parameter, its gradient and its slots.
private struct UpdatePiece {
  let storages: [Storage]
  let attributes: Update.Parameter
  let first: Int
  let count: Int
}

extension GraphLowering {
  /// One pass over all parameters, in pieces that threads share.
  func lowerUpdate(_ node: Node, _ update: Update) throws(CPUError) {
    let schedule = place(node.inputs[0]).storage
    let gradientScale = update.hasGradientScale ? place(node.inputs[1]).storage : nil
    var pieces: [UpdatePiece] = []
    var reads = [schedule] + (gradientScale.map { [$0] } ?? [])
    var writes: [Storage] = []
    for (attributes, range) in zip(update.parameters, update.inputRanges) {
      let parameter = place(node.inputs[range.lowerBound])
      var storages = [parameter.storage]
      for other in node.inputs[range].dropFirst() {
        storages.append(try storage(other, as: parameter.layout))
      }
      for (slot, storage) in zip(node.inputs[range].dropFirst(2), storages[2...]) {
        precondition(
          place(slot).storage === storage,
          "another session keeps a slot in another layout than its parameter")
      }
      reads.append(contentsOf: storages)
      writes.append(storages[0])
      writes.append(contentsOf: storages.dropFirst(2))
      let total = parameter.type.shape.elementCount
      for start in stride(from: 0, to: total, by: Self.pieceLength) {
        pieces.append(
          UpdatePiece(
            storages: storages, attributes: attributes, first: start,
            count: min(Self.pieceLength, total - start)))
      }
    }
    let list = pieces
    emit(
      node.operation.name, reads: reads, writes: writes,
      .pieces(list.count) { range in
        let scale = gradientScale?.elements(Float.self)[0] ?? 1
        guard scale != 0 else { return }
        let schedule = schedule.elements(Float.self)
        for index in range {
          list[index].run(
            update.rule, learningRate: schedule[0], step: schedule[1], gradientScale: scale)
        }
      })
  }

  func lowerRunningAverages(_ node: Node, _ averages: [RunningAverage]) throws(CPUError) {
    var pieces: [(average: RunningAverage, running: Storage, value: Storage, range: Range<Int>)] =
      []
    for (index, average) in averages.enumerated() {
      let running = place(node.inputs[2 * index])
      let value = try storage(node.inputs[2 * index + 1], as: running.layout)
      let total = running.type.shape.elementCount
      for start in stride(from: 0, to: total, by: Self.pieceLength) {
        pieces.append(
          (average, running.storage, value, start..<min(start + Self.pieceLength, total)))
      }
    }
    let list = pieces
    emit(
      node.operation.name, reads: list.flatMap { [$0.running, $0.value] },
      writes: list.map(\.running),
      .pieces(list.count) { range in
        for piece in list[range] {
          let keep = Float(1 - piece.average.momentum)
          let take = Float(piece.average.momentum * piece.average.correction)
          let (running, value) = (
            piece.running.elements(Float.self), piece.value.elements(Float.self)
          )
          for index in piece.range {
            running[index] = keep * running[index] + take * value[index]
          }
        }
      })
  }

  func lowerAccumulation(_ node: Node, _ count: Int) throws(CPUError) {
    for index in 0..<count {
      let variable = place(node.inputs[2 * index])
      let value = try place(node.inputs[2 * index + 1], as: variable.layout)
      emitElementwise(
        node.operation.name, reads: [variable.storage, value.storage],
        writes: [variable.storage], over: variable
      ) { first, count in
        let target = variable.bytes(from: first)
        vl_combine(
          variable.loops, VL_ADD, target, value.bytes(from: first), target, Int64(count))
      }
    }
  }

  func lowerGradientScale(_ node: Node, _ scale: GradientScale) {
    let inputs = node.inputs.map { place($0).storage }
    let result = makeResult(node.results[0]).storage
    emit(
      node.operation.name, reads: inputs, writes: [result],
      .whole {
        let lossScale = scale.hasLossScale ? Double(inputs[1].elements(Float.self)[0]) : 1
        let norm = Double(inputs[0].elements(Float.self)[0]) / lossScale
        var factor = 1 / lossScale
        if let maximum = scale.maximumNorm, norm > maximum { factor *= maximum / norm }
        if !norm.isFinite {
          factor = scale.hasLossScale && lossScale > LossScaling.minimum ? 0 : .nan
        }
        result.elements(Float.self)[0] = Float(factor)
      })
  }

  func lowerLossScale(_ node: Node, _ scaling: LossScaling) {
    let inputs = node.inputs.map { place($0).storage }
    emit(
      node.operation.name, reads: inputs, writes: [inputs[0], inputs[1]],
      .whole {
        let (scale, good) = (inputs[0].elements(Float.self), inputs[1].elements(Float.self))
        guard inputs[2].elements(Float.self)[0].isFinite else {
          scale[0] = max(scale[0] / 2, Float(LossScaling.minimum))
          good[0] = 0
          return
        }
        good[0] += 1
        if Int(good[0]) >= scaling.growthInterval {
          scale[0] = min(scale[0] * 2, Float(LossScaling.maximum))
          good[0] = 0
        }
      })
  }
}

extension UpdatePiece {
  func run(_ kind: Update.Rule, learningRate: Float, step: Float, gradientScale: Float) {
    var rule = vl_rule()
    rule.learning_rate = Float(Double(learningRate) * attributes.learningRateScale)
    rule.weight_decay = Float(attributes.weightDecay)
    rule.gradient_scale = gradientScale
    func elements(_ index: Int) -> UnsafeMutablePointer<Float>? {
      index < storages.count ? storages[index].elements(Float.self) + first : nil
    }
    let count = Int64(count)
    switch kind {
    case .sgd(let momentum, let nesterov):
      rule.momentum = Float(momentum)
      rule.nesterov = nesterov ? 1 : 0
      vl_sgd(&rule, elements(0), elements(1), elements(2), count)
    case .adam(let beta1, let beta2, let epsilon, let decoupled):
      rule.beta1 = Float(beta1)
      rule.beta2 = Float(beta2)
      rule.new_share1 = Float(1 - beta1)
      rule.new_share2 = Float(1 - beta2)
      rule.epsilon = Float(epsilon)
      rule.decoupled = decoupled ? 1 : 0
      rule.correction1 = Float(1 / (1 - pow(beta1, Double(step))))
      rule.correction2 = Float(1 / (1 - pow(beta2, Double(step))))
      vl_adam(&rule, elements(0), elements(1), elements(2), elements(3), count)
    case .rmsProp(let alpha, let epsilon, let momentum):
      rule.beta1 = Float(alpha)
      rule.new_share1 = Float(1 - alpha)
      rule.epsilon = Float(epsilon)
      rule.momentum = Float(momentum)
      vl_rms_prop(&rule, elements(0), elements(1), elements(2), elements(3), count)
    }
  }
}
