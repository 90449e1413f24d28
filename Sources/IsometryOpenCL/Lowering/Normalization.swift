import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerBatchNormalization(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let x = operand(node.inputs[0], imageLayout(type.shape))
    apply(
      node, normalization, x,
      spans: spanStatistics(of: node.inputs[0], x, RowBlocks(type, tuning)),
      statistics: (makeResult(node.results[1]), makeResult(node.results[2])))
  }

  /// The statistics, and what a prologue takes of them.
  mutating func lowerNormalizationStatistics(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let rows = RowBlocks(type, tuning)
    let x = operand(node.inputs[0], imageLayout(type.shape))
    let spans = spanStatistics(of: node.inputs[0], x, rows)
    let variant = ProgramVariant(.normalization, storage: type.dtype, rows.defines)
    launch(
      "batchNormalization merge \(type)", variant.adding(["MERGES_SPANS": "1"]),
      "normalization_merge",
      [.storage(spans.storage), .storage(operand(node.inputs[1]))]
        + node.results.map { .storage(makeResult($0)) }
        + [
          .integer(rows.rows), .integer(rows.channels), .integer(spans.rows),
          .number(normalization.epsilon),
        ], groups: [rows.spanGroups[0], 1], local: rows.local)
  }

  mutating func lowerFrozenNormalization(_ node: Node, _ normalization: Normalization) {
    let x = operand(node.inputs[0], imageLayout(graph.shape(of: node.inputs[0])))
    apply(
      node, normalization, x, spans: nil,
      statistics: (operand(node.inputs[3]), operand(node.inputs[4])))
  }

  /// - Parameters:
  ///   - spans: the spans' statistics, of which the launch makes those of all rows; nil where these
  ///     are known.
  private mutating func apply(
    _ node: Node, _ normalization: Normalization, _ x: StorageID, spans: SpanStatistics?,
    statistics: (mean: StorageID, variance: StorageID)
  ) {
    let type = graph.type(of: node.results[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type, tuning)
    let residual = normalization.epilogue.hasResidual ? node.inputs.last : nil
    let addend = residual.map { operand($0, layout) }
    var defines = normalization.epilogue.activation.defines
    defines["HAS_RESIDUAL"] = addend == nil ? "0" : "1"
    defines["MERGES_SPANS"] = spans == nil ? "0" : "1"
    let variant = ProgramVariant(
      .normalization, storage: type.dtype, rows.defines)
    launch(
      "\(node.operation.name) \(type)", variant.adding(defines), "normalization_apply",
      [
        .storage(x), .storage(operand(node.inputs[1])), .storage(operand(node.inputs[2])),
        .storage(spans?.storage ?? statistics.mean), .storage(statistics.mean),
        .storage(statistics.variance), .storage(addend ?? x),
        .storage(makeResult(node.results[0], layout)),
      ] + rows.arguments(normalization, spanRows: spans?.rows),
      groups: rows.itemGroups(mergesSpans: spans != nil), local: rows.local)
  }

  mutating func lowerNormalizationReduction(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type, tuning)
    let wide = type.dtype.accumulator
    let partial = makeWorkspace(2 * rows.spans * rows.channels, wide)
    let images = node.inputs[0...1].map { Argument.storage(operand($0, layout)) }
    let vectors = node.inputs[2...].map { Argument.storage(operand($0)) }
    launch(
      "batchNormalizationReduction \(type)", backwardVariant(type, rows, normalization),
      "normalization_gradient_sums",
      images + vectors + [
        .storage(partial), .integer(rows.rows), .integer(rows.channels),
        .integer(rows.spanRows), .number(normalization.epsilon),
      ], groups: rows.spanGroups, local: rows.local)
    let results = node.results.map { makeResult($0) }
    if isAddedUpByInputGradient(node) {
      spanSums[node.results[0]] = partial
      return
    }
    for (index, result) in results.enumerated() {
      addUp(
        PartialSum(
          partial: partial, result: result, dtype: wide, first: index * rows.channels,
          columns: rows.channels, stride: 2 * rows.channels, parts: rows.spans))
    }
  }

  /// Whether an input gradient reads both sums before all others do.
  private func isAddedUpByInputGradient(_ node: Node) -> Bool {
    node.results.allSatisfy { result in
      guard let reader = firstReader(of: result),
        case .batchNormalizationInputGradient = reader.operation
      else { return false }
      return Array(reader.inputs[6...]) == node.results
        && graph.shape(of: reader.inputs[0]) == graph.shape(of: node.inputs[0])
    }
  }

  mutating func lowerNormalizationInputGradient(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type, tuning)
    let images = node.inputs[0...1].map { operand($0, layout) }
    let vectors = node.inputs[2..<6].map { operand($0) }
    let sums = node.inputs[6...].map { operand($0) }
    // Only the first of several input gradients finds the spans' sums and makes them one.
    let spans = spanSums.removeValue(forKey: node.inputs[6])
    let result = makeResult(node.results[0], layout)
    // A CPU's core need not fetch what it has just read before it overwrites it. A GPU's compiler loads
    // further ahead where it knows that nothing is overwritten.
    let inPlace =
      tuning.groupSize == 1 ? PlannedLaunch.InPlace(operand: images[0], result: result) : nil
    launch(
      "batchNormalizationInputGradient \(type)",
      backwardVariant(type, rows, normalization).adding([
        "MERGES_SPANS": spans == nil ? "0" : "1", "IN_PLACE": inPlace == nil ? "0" : "1",
      ]),
      "normalization_input_gradient",
      (images + vectors + [spans ?? sums[0]] + sums + [result]).map { .storage($0) }
        + rows.arguments(normalization, spanRows: spans.map { _ in rows.spanRows }),
      groups: rows.itemGroups(mergesSpans: spans != nil), local: rows.local, inPlace: inPlace)
  }

  mutating func lowerFrozenNormalizationInputGradient(
    _ node: Node, _ normalization: Normalization
  ) {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type, tuning)
    launch(
      "frozenNormalizationInputGradient \(type)", backwardVariant(type, rows, Normalization()),
      "normalization_frozen_gradient",
      [
        .storage(operand(node.inputs[0], layout)), .storage(operand(node.inputs[1])),
        .storage(operand(node.inputs[2])), .storage(makeResult(node.results[0], layout)),
        .integer(rows.rows), .integer(rows.channels), .number(normalization.epsilon),
        .integer(rows.itemRows),
      ], groups: rows.itemGroups, local: rows.local)
  }

  private func backwardVariant(
    _ type: TensorType, _ rows: RowBlocks, _ normalization: Normalization
  ) -> ProgramVariant {
    ProgramVariant(
      .normalization, storage: type.dtype, rows.defines
    ).adding(normalization.epilogue.activation.defines)
  }
}

extension RowBlocks {
  /// The last arguments of a normalization.
  ///
  /// - Parameter spanRows: of the spans that it adds up first; nil where it adds up none.
  fileprivate func arguments(_ normalization: Normalization, spanRows: Int?) -> [Argument] {
    [
      .integer(rows), .integer(channels), .integer(spanRows ?? rows),
      .number(normalization.epsilon),
      .integer(spanRows == nil ? itemRows : itemRowsAfterSpans),
    ]
  }
}
