import IsometryCore
import IsometryGraph

/// Neighboring units of a weight, which one group works on.
private struct UnitGroup {
  /// The weight, its gain, and tensors of the same shapes.
  let storages: [StorageID]
  /// From the number of the weight on, as kernels/normalization/weights.cl describes.
  let numbers: [Int]
}

extension Lowering {
  mutating func lowerWeightStandardization(_ node: Node, _ attributes: WeightStandardization) {
    var groups: [UnitGroup] = []
    for index in attributes.factors.indices {
      let (weight, gain) = (node.inputs[2 * index], node.inputs[2 * index + 1])
      let layout = weightLayout(weight)
      groups += unitGroups(
        of: weight, number: index,
        [operand(weight, layout), operand(gain), values.makeResult(node.results[index], layout)])
    }
    launchUnits(node, attributes, "weight_standardize", groups) { storages, table in
      [.slab(of: storages[0]), .slab(of: storages[1]), .slab(of: storages[2]), table]
    }
  }

  mutating func lowerWeightStandardizationGradient(
    _ node: Node, _ attributes: WeightStandardization
  ) {
    var groups: [UnitGroup] = []
    for index in attributes.factors.indices {
      let (dy, weight, gain) = (
        node.inputs[3 * index], node.inputs[3 * index + 1], node.inputs[3 * index + 2]
      )
      let layout = weightLayout(weight)
      groups += unitGroups(
        of: weight, number: index,
        [
          operand(weight, layout), operand(gain), operand(dy, layout),
          values.makeResult(node.results[2 * index], layout),
          values.makeResult(node.results[2 * index + 1]),
        ])
    }
    launchUnits(node, attributes, "weight_standardize_gradient", groups) { storages, table in
      [
        .slab(of: storages[0]), .slab(of: storages[1]), .slab(of: storages[2]),
        .slab(of: storages[3]), table,
      ]
    }
  }

  private func weightLayout(_ weight: Value) -> Layout {
    graph.shape(of: weight).rank == 4 ? .filtersLast : .rowMajor
  }

  /// Units lie side by side in convolutions' weights, and one after the other in dense ones.
  private func unitGroups(of weight: Value, number: Int, _ storages: [StorageID]) -> [UnitGroup] {
    let shape = graph.shape(of: weight)
    let (units, length) = (shape[0], shape.elementCount(from: 1))
    let isConvolution = weightLayout(weight) == .filtersLast
    // Eight neighbors are 32 bytes, the least that a device reads at once.
    let columns = isConvolution ? powerOfTwo(atMost: min(units, 8)) : 1
    let steps = isConvolution ? [1, units] : [length, 1]
    return stride(from: 0, to: units, by: columns).map { first in
      UnitGroup(storages: storages, numbers: [number, first, columns, units, length] + steps)
    }
  }

  /// A launch for the groups whose operands lie in the same slabs.
  private mutating func launchUnits(
    _ node: Node, _ attributes: WeightStandardization, _ kernel: String, _ groups: [UnitGroup],
    _ arguments: ([StorageID], Argument) -> [Argument]
  ) {
    let wide = attributes.dtype.accumulator
    let factors = values.makeConstant(attributes.factors, wide)
    let isGradient = node.results.count > attributes.factors.count
    for group in grouped(groups, by: { $0.storages.map { values.slab(of: $0) } }) {
      let table = group.flatMap { entry -> [TableWord] in
        let places = entry.storages.enumerated().map { index, storage in
          // Of a standardization, only the result may be narrow.
          let dtype = !isGradient && index == 2 ? attributes.dtype : wide
          return TableWord.element(storage, elementByteCount: dtype.byteCount, plus: 0)
        }
        return places + [TableWord](repeating: .number(0), count: 5 - places.count)
          + entry.numbers.map { .number($0) }
      }
      launch(
        "\(node.operation.name) of \(attributes.factors.count) weights",
        ProgramVariant(
          .weightStandardization, storage: isGradient ? wide : attributes.dtype,
          ["LOCAL_SIZE": Tuning.groupSize]), kernel,
        arguments(group[0].storages, .table(table)) + [
          .storage(factors), .number(attributes.epsilon),
        ],
        groups: [group.count], local: [Tuning.groupSize], reached: group.flatMap(\.storages))
    }
  }
}
