#if OpenCL
  import IsometryCore
  import IsometryGraph

  extension Lowering {
    mutating func lowerReduction(_ node: Node) {
      let x = node.inputs[0]
      let type = graph.type(of: x)
      switch node.operation {
      case .sum: flatSum(node, "reduction_sum", [.storage(home(of: x).storage)], type)
      case .dot:
        // The sum runs over the same pairs in whatever layout both have.
        let layout = home(of: x).layout
        flatSum(
          node, "reduction_dot",
          [.storage(operand(x, layout)), .storage(operand(node.inputs[1], layout))], type)
      case .channelSum:
        channelSum(
          operand(x, imageLayout(type.shape)), type, into: makeResult(node.results[0]),
          label: "channelSum \(type)")
      case .squaredNorm: lowerSquaredNorm(node)
      default: preconditionFailure("\(node.operation.name) is not a reduction")
      }
    }

    private var flatLocal: [Int] { [1, tuning.groupSize] }

    private func flatVariant(_ dtype: DType) -> ProgramVariant {
      ProgramVariant(
        .flatReduction, storage: dtype,
        [
          "WIDTH": tuning.width(dtype), "LOCAL_VECTORS": 1, "LOCAL_ROWS": tuning.groupSize,
        ])
    }

    private mutating func flatSum(
      _ node: Node, _ kernel: String, _ operands: [Argument], _ type: TensorType
    ) {
      let count = type.shape.elementCount
      let chunk = tuning.elementsPerGroup
      let groups = quotientRoundedUp(count, chunk)
      let partial = makeWorkspace(groups, type.dtype.accumulator)
      launch(
        "\(node.operation.name) \(type)", flatVariant(type.dtype), kernel,
        operands + [.storage(partial), .integer(count), .integer(chunk)], groups: [1, groups],
        local: flatLocal)
      sumPartials(node, partial, groups, type.dtype)
    }

    private mutating func sumPartials(
      _ node: Node, _ partial: StorageID, _ count: Int, _ dtype: DType
    ) {
      launch(
        "\(node.operation.name) partials", flatVariant(dtype), "reduction_partials",
        [
          .storage(partial), .storage(makeResult(node.results[0])), .integer(count), .number(1),
        ], groups: [1, 1], local: flatLocal)
    }

    private mutating func lowerSquaredNorm(_ node: Node) {
      let dtype = graph.type(of: node.inputs[0]).dtype
      var parts: [(storage: StorageID, first: Int, count: Int)] = []
      for input in node.inputs {
        let storage = home(of: input).storage
        let count = graph.shape(of: input).elementCount
        for first in stride(from: 0, to: count, by: tuning.elementsPerGroup) {
          parts.append((storage, first, min(tuning.elementsPerGroup, count - first)))
        }
      }
      let partial = makeWorkspace(parts.count, dtype.accumulator)
      var done = 0
      for part in grouped(parts, by: { [slab(of: $0.storage)] }) {
        let table = part.flatMap { entry -> [TableWord] in
          [
            .element(entry.storage, elementByteCount: dtype.byteCount, plus: entry.first),
            .number(entry.count),
          ]
        }
        launch(
          "squaredNorm \(part.count) parts", flatVariant(dtype), "reduction_squares",
          [
            .slab(of: part[0].storage), .table(table), .storage(partial), .integer(done),
          ],
          groups: [1, part.count], local: flatLocal, reached: part.map(\.storage))
        done += part.count
      }
      sumPartials(node, partial, parts.count, dtype)
    }

    /// Sums over the rows of an array with channels innermost, [C] of the accumulator's type.
    mutating func channelSum(
      _ x: StorageID, _ type: TensorType, into result: StorageID, label: String
    ) {
      let rows = RowBlocks(type, tuning)
      var sums = PartialSums(result: result, channels: rows.channels)
      if rows.blocks > 1 {
        sums.partial = makeWorkspace(rows.blocks * rows.channels, type.dtype.accumulator)
      }
      let variant = ProgramVariant(.channelReduction, storage: type.dtype, rows.defines)
      launch(
        label, variant, "reduction_channels",
        [
          .storage(x), .storage(sums.target), .integer(rows.rows), .integer(rows.channels),
          .integer(rows.blockRows),
        ], groups: rows.blockGroups, local: rows.local)
      if rows.blocks > 1 { mergePartials([sums], blocks: rows.blocks, type.dtype, label: label) }
    }

    /// Sums one or two accum arrays [blocks, channels] over the blocks, in order.
    ///
    /// - Precondition: of two, the second's channels divide the first's.
    mutating func mergePartials(
      _ sums: [PartialSums], blocks: Int, _ dtype: DType, label: String
    ) {
      let width = tuning.width(dtype.accumulator, dividing: sums[sums.count - 1].channels)
      let rows = RowBlocks(
        rows: blocks, channels: sums.map(\.channels).reduce(0, +), width: width,
        dtype.accumulator, tuning)
      let variant = ProgramVariant(
        .channelReduction, storage: dtype.accumulator, rows.defines)
      var arguments: [Argument] = [
        .storage(sums[0].target), .storage(sums[0].result), .integer(blocks),
        .integer(sums[0].channels),
      ]
      if sums.count > 1 {
        arguments += [
          .storage(sums[1].target), .storage(sums[1].result), .integer(sums[1].channels),
        ]
      }
      launch(
        "\(label) partials", variant,
        sums.count > 1 ? "reduction_two_partials" : "reduction_channel_partials", arguments,
        groups: rows.mergeGroups, local: rows.local)
    }
  }

  /// Sums by channel, and where parts of them are kept until they are added up.
  struct PartialSums {
    let result: StorageID
    let channels: Int
    /// nil where there is one part, which is the result.
    var partial: StorageID?

    /// What the first stage writes.
    var target: StorageID { partial ?? result }
  }

  /// The elements in runs of equal keys, keys in order of first appearance.
  func grouped<Element, Key: Hashable>(_ elements: [Element], by key: (Element) -> Key)
    -> [[Element]]
  {
    var order: [Key] = []
    var groups: [Key: [Element]] = [:]
    for element in elements {
      let name = key(element)
      if groups[name] == nil { order.append(name) }
      groups[name, default: []].append(element)
    }
    return order.compactMap { groups[$0] }
  }
#endif
