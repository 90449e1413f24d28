import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerBatchNormalization(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let x = operand(node.inputs[0], imageLayout(type.shape))
    apply(
      node, normalization, x,
      spans: spanStatistics(x, type),
      statistics: (values.makeResult(node.results[1]), values.makeResult(node.results[2])))
  }

  /// The statistics, and the vectors that a prologue reads.
  mutating func lowerNormalizationStatistics(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let x = operand(node.inputs[0], imageLayout(type.shape))
    let spans = spanStatistics(x, type)
    let results = node.results.map { values.makeResult($0) }
    launchFactor(
      type, scale: operand(node.inputs[1]), spans: spans,
      (mean: results[0], variance: results[1], factor: results[2]), normalization)
  }

  /// scale / √(variance + ε); merges the statistics of a convolution's result if that is still to be done.
  mutating func lowerNormalizationFactor(_ node: Node, _ normalization: Normalization) {
    launchNormalizationFactor(
      variance: node.inputs[1], scale: operand(node.inputs[0]),
      factor: values.makeResult(node.results[0]), normalization)
  }

  mutating func launchNormalizationFactor(
    variance: Value, scale: StorageID, factor: StorageID, _ normalization: Normalization
  ) {
    if let (found, spans) = takeStatistics(variance: variance) {
      let results = (
        mean: values.makeResult(found.mean), variance: values.makeResult(found.variance),
        factor: factor
      )
      launchFactor(found.type, scale: scale, spans: spans, results, normalization)
    } else {
      let known = operand(variance)
      launchFactor(
        graph.type(of: variance), scale: scale, spans: nil,
        (mean: known, variance: known, factor: factor), normalization)
    }
  }

  /// - Parameters:
  ///   - type: of the images, or of the variance if there are no spans.
  ///   - spans: the spans' statistics, which the launch merges; nil if the variance is known.
  private mutating func launchFactor(
    _ type: TensorType, scale: StorageID, spans: SpanStatistics?,
    _ results: (mean: StorageID, variance: StorageID, factor: StorageID),
    _ normalization: Normalization
  ) {
    let rows =
      type.shape.rank == 1
      ? RowBlocks(rows: 1, channels: type.shape[0], type.dtype) : RowBlocks(type)
    launch(
      "normalizationFactor \(type)", normalizationVariant(type, rows, mergesSpans: spans != nil),
      "normalization_factor",
      [
        .storage(spans?.storage ?? results.variance), .storage(scale), .storage(results.mean),
        .storage(results.variance), .storage(results.factor), .integer(rows.rows),
        .integer(rows.channels), .integer(spans?.rows ?? rows.rows),
        .number(normalization.epsilon), .integer(rows.columns),
      ], groups: [rows.spanGroups[0], 1], local: [Tuning.groupSize])
  }

  mutating func lowerFrozenNormalization(_ node: Node, _ normalization: Normalization) {
    let x = operand(node.inputs[0], imageLayout(graph.shape(of: node.inputs[0])))
    // Statistics of a convolution's result are merged here if this is their first reader.
    if let pending = reductions.pendingStatistics(node.inputs[4]), pending.mean == node.inputs[3],
      pending.type.shape == graph.shape(of: node.inputs[0]),
      let (_, spans) = takeStatistics(variance: node.inputs[4])
    {
      apply(
        node, normalization, x, spans: spans,
        statistics: (values.makeResult(node.inputs[3]), values.makeResult(node.inputs[4])))
      return
    }
    for value in node.inputs[3...4] { mergeStatistics(of: value) }
    apply(
      node, normalization, x, spans: nil,
      statistics: (operand(node.inputs[3]), operand(node.inputs[4])))
  }

  /// - Parameters:
  ///   - spans: the spans' statistics, of which the launch makes those of all rows; nil if these
  ///     are known.
  private mutating func apply(
    _ node: Node, _ normalization: Normalization, _ x: StorageID, spans: SpanStatistics?,
    statistics: (mean: StorageID, variance: StorageID)
  ) {
    let type = graph.type(of: node.results[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    let residual = normalization.epilogue.hasResidual ? node.inputs.last : nil
    let addend = residual.map { operand($0, layout) }
    launch(
      "\(node.operation.name) \(type)",
      normalizationVariant(type, rows, normalization.epilogue, mergesSpans: spans != nil),
      "normalization_apply",
      [
        .storage(x), .storage(operand(node.inputs[1])), .storage(operand(node.inputs[2])),
        .storage(spans?.storage ?? statistics.mean), .storage(statistics.mean),
        .storage(statistics.variance), .storage(addend ?? x),
        .storage(values.makeResult(node.results[0], layout)),
      ] + rows.arguments(normalization, spanRows: spans?.rows),
      groups: rows.itemGroups(mergesSpans: spans != nil), local: [Tuning.groupSize])
  }

  /// The sums by spans, then the input gradient, whose launch adds them up first.
  mutating func lowerNormalizationGradient(_ node: Node, _ normalization: Normalization) {
    let spans = launchSpanSums(node, normalization, mergesSpans: true)
    launchInputGradient(
      node, normalization, spans: spans, sums: node.results[1...].map { values.makeResult($0) })
  }

  mutating func lowerNormalizationReduction(_ node: Node, _ normalization: Normalization) {
    let type = graph.type(of: node.inputs[0])
    let rows = RowBlocks(type)
    let partial = launchSpanSums(node, normalization, mergesSpans: false)
    for (index, result) in node.results.enumerated() {
      addUp(
        PartialSum(
          partial: partial, result: values.makeResult(result), dtype: type.dtype.accumulator,
          first: index * rows.channels, columns: rows.channels, stride: 2 * rows.channels,
          parts: rows.spans))
    }
  }

  mutating func lowerNormalizationInputGradient(_ node: Node, _ normalization: Normalization) {
    launchInputGradient(
      node, normalization, spans: nil, sums: node.inputs[6...].map { operand($0) })
  }

  /// The sums of both normalization gradients, by spans of rows: accumulator [spans, 2, channels].
  ///
  /// - Parameter mergesSpans: whether the launch of the input gradient adds them up.
  private mutating func launchSpanSums(
    _ node: Node, _ normalization: Normalization, mergesSpans: Bool
  ) -> StorageID {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    let partial = values.makeWorkspace(2 * rows.spans * rows.channels, type.dtype.accumulator)
    let images = node.inputs[0...1].map { Argument.storage(operand($0, layout)) }
    let vectors = node.inputs[2..<6].map { Argument.storage(operand($0)) }
    launch(
      "batchNormalizationReduction \(type)",
      normalizationVariant(type, rows, normalization.epilogue, mergesSpans: mergesSpans),
      "normalization_gradient_sums",
      images + vectors + [
        .storage(partial), normalization.epilogue.terms, .integer(rows.rows),
        .integer(rows.channels), .integer(rows.spanRows), .number(normalization.epsilon),
        .integer(rows.columns),
      ], groups: rows.spanGroups, local: [Tuning.groupSize])
    return partial
  }

  /// - Parameters:
  ///   - spans: the spans' sums, which the launch adds up and stores in `sums`; nil if those are known.
  ///   - sums: dshift and dscale.
  private mutating func launchInputGradient(
    _ node: Node, _ normalization: Normalization, spans: StorageID?, sums: [StorageID]
  ) {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    let images = node.inputs[0...1].map { operand($0, layout) }
    let vectors = node.inputs[2..<6].map { operand($0) }
    let result = values.makeResult(node.results[0], layout)
    launch(
      "batchNormalizationInputGradient \(type)",
      normalizationVariant(type, rows, normalization.epilogue, mergesSpans: spans != nil),
      "normalization_input_gradient",
      (images + vectors + [spans ?? sums[0]] + sums + [result]).map { .storage($0) }
        + rows.arguments(normalization, spanRows: spans.map { _ in rows.spanRows }),
      groups: rows.itemGroups(mergesSpans: spans != nil), local: [Tuning.groupSize])
  }

  mutating func lowerFrozenNormalizationInputGradient(
    _ node: Node, _ normalization: Normalization
  ) {
    let type = graph.type(of: node.inputs[0])
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    launch(
      "frozenNormalizationInputGradient \(type)",
      normalizationVariant(type, rows, mergesSpans: false), "normalization_frozen_gradient",
      [
        .storage(operand(node.inputs[0], layout)), .storage(operand(node.inputs[1])),
        .storage(operand(node.inputs[2])), .storage(values.makeResult(node.results[0], layout)),
        .integer(rows.rows), .integer(rows.channels), .number(normalization.epsilon),
        .integer(rows.itemRows), .integer(rows.columns),
      ], groups: rows.itemGroups, local: [Tuning.groupSize])
  }

  /// The program with all kernels of Batch Normalization.
  func normalizationVariant(
    _ type: TensorType, _ rows: RowBlocks, _ epilogue: Epilogue = .none, mergesSpans: Bool
  ) -> ProgramVariant {
    ProgramVariant(.normalization, storage: type.dtype, rows.defines).adding(epilogue.defines)
      .adding(["MERGES_SPANS": mergesSpans ? "1" : "0"])
  }
}

extension RowBlocks {
  /// The last arguments of a normalization.
  ///
  /// - Parameter spanRows: of the spans that it adds up first; nil if it adds up none.
  fileprivate func arguments(_ normalization: Normalization, spanRows: Int?) -> [Argument] {
    [
      normalization.epilogue.terms, .integer(rows), .integer(channels),
      .integer(spanRows ?? rows), .number(normalization.epsilon),
      .integer(spanRows == nil ? itemRows : itemRowsAfterSpans), .integer(columns),
    ]
  }
}
