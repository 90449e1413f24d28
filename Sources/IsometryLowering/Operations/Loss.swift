import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerLoss(_ node: Node, _ smoothing: Double, mixes: Bool) {
    let type = graph.type(of: node.inputs[0])
    let narrow = node.results.count > 3 ? node.results[3] : nil
    let dtype = narrow.map { graph.type(of: $0).dtype } ?? type.dtype
    let variant = ProgramVariant(
      .crossEntropy, storage: dtype,
      [
        "WIDTH": 1, "LOCAL_SIZE": Tuning.groupSize,
        "HAS_NARROW": narrow == nil ? 0 : 1, "MIXES": mixes ? 1 : 0,
      ])
    let labels = operand(node.inputs[1])
    let gradient = values.makeResult(node.results[2])
    launch(
      "softmaxCrossEntropy \(type)", variant, "softmax_cross_entropy",
      [
        .storage(operand(node.inputs[0])), .storage(labels),
        .storage(mixes ? operand(node.inputs[2]) : labels),
        .storage(values.makeResult(node.results[0])), .storage(values.makeResult(node.results[1])),
        .storage(gradient), .storage(narrow.map { values.makeResult($0) } ?? gradient),
        .integer(type.shape[0]), .integer(type.shape[1]), .number(smoothing),
      ], groups: [1], local: [Tuning.groupSize])
  }
}
