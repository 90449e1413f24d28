import IsometryGraph

extension Lowering {
  /// The values are summed in their own storages; one that another node reads too is copied first.
  mutating func lowerAllReduceStart(_ node: Node) {
    var storages: [StorageID] = []
    for (input, result) in zip(node.inputs, node.results) {
      let home = values.home(of: input)
      // Its elements stay as they lie, in whatever layout.
      if isReadElsewhere(input, than: node) || storages.contains(home.storage) {
        permute(
          home.storage, to: values.makeResult(result, home.layout), graph.type(of: input),
          from: .rowMajor,
          to: .rowMajor)
      } else {
        values.setHome(of: result, home.storage, home.layout)
      }
      storages.append(values.home(of: result).storage)
    }
    launch(PlannedSum(half: .start, storages: storages))
  }

  mutating func lowerAllReduceWait(_ node: Node) {
    for (input, result) in zip(node.inputs, node.results) {
      let home = values.home(of: input)
      values.setHome(of: result, home.storage, home.layout)
    }
    launch(PlannedSum(half: .wait, storages: node.inputs.map { values.home(of: $0).storage }))
  }

  private func isReadElsewhere(_ value: Value, than reader: Node) -> Bool {
    graph.nodes.contains { $0.results != reader.results && $0.inputs.contains(value) }
      || reader.inputs.filter { $0 == value }.count > 1
  }
}
