import IsometryCore
import IsometryGraph

extension Lowering {
  private func flatVariant(_ dtype: DType) -> ProgramVariant {
    ProgramVariant(
      .flatReduction, storage: dtype,
      ["WIDTH": Tuning.width(dtype), "LOCAL_SIZE": Tuning.groupSize])
  }

  /// A sum over the elements of one tensor, or over the pairs of two in whatever layout both have.
  mutating func lowerFlatSum(_ node: Node, _ kernel: String) {
    let type = graph.type(of: node.inputs[0])
    let layout = values.home(of: node.inputs[0]).layout
    let operands = node.inputs.map { Argument.storage(operand($0, layout)) }
    let count = type.shape.elementCount
    let chunk = Tuning.elementsPerGroup
    let groups = quotientRoundedUp(count, chunk)
    let partial = values.makeWorkspace(groups, type.dtype.accumulator)
    launch(
      "\(node.operation.name) \(type)", flatVariant(type.dtype), kernel,
      operands + [.storage(partial), .integer(count), .integer(chunk)], groups: [groups],
      local: [Tuning.groupSize])
    sumPartials(node, partial, groups, type.dtype)
  }

  private mutating func sumPartials(
    _ node: Node, _ partial: StorageID, _ count: Int, _ dtype: DType,
    _ kernel: String = "reduction_partials"
  ) {
    launch(
      "\(node.operation.name) partials", flatVariant(dtype), kernel,
      [
        .storage(partial), .storage(values.makeResult(node.results[0])), .integer(count),
      ], groups: [1], local: [Tuning.groupSize])
  }

  mutating func lowerNorm(_ node: Node) {
    let dtype = graph.type(of: node.inputs[0]).dtype
    var parts: [(storage: StorageID, first: Int, count: Int)] = []
    for input in node.inputs {
      let storage = values.home(of: input).storage
      let count = graph.shape(of: input).elementCount
      for first in stride(from: 0, to: count, by: Tuning.elementsPerGroup) {
        parts.append((storage, first, min(Tuning.elementsPerGroup, count - first)))
      }
    }
    // The sum of the usual squares and that of the large ones of each part.
    let partial = values.makeWorkspace(2 * parts.count, dtype.accumulator)
    var done = 0
    for part in grouped(parts, by: { [values.slab(of: $0.storage)] }) {
      let table = part.flatMap { entry -> [TableWord] in
        [
          .element(entry.storage, elementByteCount: dtype.byteCount, plus: entry.first),
          .number(entry.count),
        ]
      }
      launch(
        "norm \(part.count) parts", flatVariant(dtype), "reduction_squares",
        [
          .slab(of: part[0].storage), .table(table), .storage(partial), .integer(done),
        ],
        groups: [part.count], local: [Tuning.groupSize], reached: part.map(\.storage))
      done += part.count
    }
    sumPartials(node, partial, parts.count, dtype, "reduction_norm")
  }

  /// Sums over the rows of an array with channels innermost, [C] of the accumulator's type.
  mutating func lowerChannelSum(of value: Value, into total: Value) {
    let type = graph.type(of: value)
    let x = operand(value, imageLayout(type.shape))
    let rows = RowBlocks(type)
    let wide = type.dtype.accumulator
    let result = values.makeResult(total)
    if type.shape.elementCount <= Tuning.elementsPerGroup, values.slab(of: x) == .arena {
      // The rows of a small array are parts themselves.
      addUp(
        PartialSum(
          partial: x, result: result, dtype: type.dtype, columns: rows.channels,
          stride: rows.channels, parts: rows.rows))
      return
    }
    let sum = splitSum(of: result, columns: rows.channels, parts: rows.blocks, wide)
    launch(
      "channelSum \(type)",
      ProgramVariant(.channelReduction, storage: type.dtype, rows.defines),
      "reduction_channels",
      [
        .storage(x), .storage(sum.partial), .integer(rows.rows), .integer(rows.channels),
        .integer(rows.blockRows), .integer(rows.columns),
      ], groups: rows.blockGroups, local: [Tuning.groupSize])
    addUp(sum)
  }
}

/// The elements in runs of equal keys, keys in order of first appearance.
func grouped<Element, Key: Hashable>(_ elements: [Element], by key: (Element) -> Key)
  -> [[Element]]
{
  var groups = Dictionary(grouping: elements, by: key)
  return elements.compactMap { groups.removeValue(forKey: key($0)) }
}
