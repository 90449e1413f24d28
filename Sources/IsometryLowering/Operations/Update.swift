internal import Glibc
import IsometryCore
import IsometryGraph

extension Lowering {
  /// A part of one tensor that a group of an update works on.
  private struct TablePart {
    /// Parameter, gradient, slots; or variable, value.
    let storages: [StorageID]
    let number: Int
    let first: Int
    let count: Int

    /// The row that kernels/optimizer/update.cl describes.
    func words(elementByteCount size: Int) -> [TableWord] {
      func place(_ index: Int) -> TableWord {
        index < storages.count
          ? .element(storages[index], elementByteCount: size, plus: first) : .number(0)
      }
      return [
        place(0), place(1), place(2), place(3), .number(count), .number(number), .number(0),
        .number(0),
      ]
    }
  }

  private func parts(of storages: [StorageID], number: Int, count: Int) -> [TablePart] {
    stride(from: 0, to: count, by: Tuning.elementsPerGroup).map { first in
      TablePart(
        storages: storages, number: number, first: first,
        count: min(Tuning.elementsPerGroup, count - first))
    }
  }

  private func tableVariant(_ dtype: DType) -> ProgramVariant {
    ProgramVariant(
      .update, storage: dtype, ["WIDTH": Tuning.width(dtype), "LOCAL_SIZE": Tuning.groupSize])
  }

  mutating func lowerUpdate(_ node: Node, _ update: Update) {
    let dtype = graph.type(of: node.inputs[update.headerCount]).dtype
    var all: [TablePart] = []
    for (index, range) in update.inputRanges.enumerated() {
      let parameter = node.inputs[range.lowerBound]
      let layout = values.home(of: parameter).layout
      let storages = node.inputs[range].map { operand($0, layout) }
      for (slot, storage) in zip(node.inputs[range].dropFirst(2), storages[2...]) {
        precondition(
          values.home(of: slot).storage == storage,
          "another session keeps a slot in another layout than its parameter")
      }
      all += parts(
        of: storages, number: index, count: graph.shape(of: parameter).elementCount)
    }
    let settings = values.makeConstant(
      update.parameters.flatMap { [$0.weightDecay, $0.learningRateScale] }, dtype.accumulator)
    let schedule = operand(node.inputs[0])
    let scale =
      update.hasGradientScale
      ? operand(node.inputs[1]) : values.makeConstant([1], dtype.accumulator)
    let (kernel, constants) = kernelArguments(update.rule)
    for group in grouped(all, by: { $0.storages.map { values.slab(of: $0) } }) {
      let storages = group[0].storages
      precondition(
        Set(storages.dropFirst(2).map { values.slab(of: $0) }).count <= 1,
        "the slots of a parameter lie in one memory")
      launch(
        "update \(update.parameters.count) parameters", tableVariant(dtype), kernel,
        [
          .slab(of: storages[0]), .slab(of: storages.count > 2 ? storages[2] : storages[0]),
          .slab(of: storages[1]),
          .table(group.flatMap { $0.words(elementByteCount: dtype.byteCount) }),
          .storage(settings), .storage(schedule), .storage(scale),
        ] + constants,
        groups: [group.count], local: [Tuning.groupSize], reached: group.flatMap(\.storages))
    }
  }

  private func kernelArguments(_ rule: Update.Rule) -> (kernel: String, constants: [Argument]) {
    switch rule {
    case .sgd(let momentum, let nesterov):
      ("optimizer_sgd", [.number(momentum), .integer(nesterov ? 1 : 0)])
    case .adam(let beta1, let beta2, let epsilon, let decoupled):
      (
        "optimizer_adam",
        [
          .number(beta1), .number(beta2), .number(1 - beta1), .number(1 - beta2),
          .number(log(beta1)), .number(log(beta2)), .number(epsilon),
          .integer(decoupled ? 1 : 0),
        ]
      )
    case .rmsProp(let alpha, let epsilon, let momentum):
      (
        "optimizer_rms",
        [.number(alpha), .number(1 - alpha), .number(epsilon), .number(momentum)]
      )
    }
  }

  mutating func lowerRunningAverage(_ node: Node, _ averages: [RunningAverage]) {
    let settings = averages.flatMap { [$0.momentum, $0.momentum * $0.correction] }
    lowerPairs(node, "optimizer_running_average", settings: settings)
  }

  mutating func lowerAccumulate(_ node: Node) {
    lowerPairs(node, "optimizer_accumulate", settings: nil)
  }

  private mutating func lowerPairs(_ node: Node, _ kernel: String, settings: [Double]?) {
    var parts: [(dtype: DType, part: TablePart)] = []
    for pair in 0..<node.inputs.count / 2 {
      let variable = node.inputs[2 * pair]
      let type = graph.type(of: variable)
      let layout = values.home(of: variable).layout
      let storages = [operand(variable, layout), operand(node.inputs[2 * pair + 1], layout)]
      parts += self.parts(of: storages, number: pair, count: type.shape.elementCount)
        .map { (type.dtype, $0) }
    }
    // One launch an element type: pairs of a node may differ.
    for parts in grouped(parts, by: \.dtype) {
      let dtype = parts[0].dtype
      let constants = settings.map { values.makeConstant($0, dtype.accumulator) }
      for group in grouped(parts.map(\.part), by: { $0.storages.map { values.slab(of: $0) } }) {
        let table = group.flatMap { $0.words(elementByteCount: dtype.byteCount) }
        var arguments: [Argument] = [
          .slab(of: group[0].storages[0]), .slab(of: group[0].storages[1]), .table(table),
        ]
        if let constants { arguments.append(.storage(constants)) }
        launch(
          "\(node.operation.name) \(node.inputs.count / 2)", tableVariant(dtype),
          kernel, arguments, groups: [group.count], local: [Tuning.groupSize],
          reached: group.flatMap(\.storages))
      }
    }
  }

  mutating func lowerGradientScale(_ node: Node, _ scale: GradientScale) {
    let norm = operand(node.inputs[0])
    let dtype = graph.type(of: node.inputs[0]).dtype
    launch(
      "gradientScale", tableVariant(dtype), "optimizer_gradient_scale",
      [
        .storage(norm), .storage(scale.hasLossScale ? operand(node.inputs[1]) : norm),
        .storage(values.makeResult(node.results[0])), .number(scale.maximumNorm ?? 0),
        .integer(scale.hasLossScale ? 1 : 0), .number(LossScaling.minimum),
      ], groups: [1], local: [1])
  }

  mutating func lowerLossScaleUpdate(_ node: Node, _ scaling: LossScaling) {
    let dtype = graph.type(of: node.inputs[0]).dtype
    launch(
      "lossScaleUpdate", tableVariant(dtype), "optimizer_loss_scale",
      node.inputs.map { .storage(operand($0)) } + [
        .number(Double(scaling.growthInterval)), .number(LossScaling.minimum),
        .number(LossScaling.maximum),
      ], groups: [1], local: [1])
  }
}
