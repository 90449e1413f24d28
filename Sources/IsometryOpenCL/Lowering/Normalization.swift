#if OpenCL
  import IsometryCore
  import IsometryGraph

  extension Lowering {
    mutating func lowerBatchNormalization(_ node: Node, _ normalization: Normalization) {
      let type = graph.type(of: node.inputs[0])
      let rows = RowBlocks(type, tuning)
      let x = operand(node.inputs[0], imageLayout(type.shape))
      let mean = makeResult(node.results[1])
      let variance = makeResult(node.results[2])
      let partial = makeWorkspace(2 * rows.blocks * rows.channels, type.dtype.accumulator)
      let variant = ProgramVariant(.statistics, storage: type.dtype, rows.defines)
      let sizes: [Argument] = [
        .integer(rows.rows), .integer(rows.channels), .integer(rows.blockRows),
      ]
      launch(
        "batchNormalization statistics \(type)", variant, "normalization_statistics",
        [.storage(x), .storage(partial)] + sizes, groups: rows.blockGroups, local: rows.local)
      launch(
        "batchNormalization merge \(type)", variant, "normalization_merge",
        [.storage(partial), .storage(mean), .storage(variance)] + sizes, groups: rows.mergeGroups,
        local: rows.local)
      apply(
        node, normalization, x, statistics: (mean, variance),
        residual: normalization.epilogue.hasResidual ? node.inputs.last : nil)
    }

    mutating func lowerFrozenNormalization(_ node: Node, _ normalization: Normalization) {
      let x = operand(node.inputs[0], imageLayout(graph.shape(of: node.inputs[0])))
      apply(
        node, normalization, x, statistics: (operand(node.inputs[3]), operand(node.inputs[4])),
        residual: normalization.epilogue.hasResidual ? node.inputs.last : nil)
    }

    private mutating func apply(
      _ node: Node, _ normalization: Normalization, _ x: StorageID,
      statistics: (mean: StorageID, variance: StorageID), residual: Value?
    ) {
      let type = graph.type(of: node.results[0])
      let layout = imageLayout(type.shape)
      let rows = RowBlocks(type, tuning)
      let addend = residual.map { operand($0, layout) }
      var defines = normalization.epilogue.activation.defines
      defines["HAS_RESIDUAL"] = addend == nil ? "0" : "1"
      let variant = ProgramVariant(
        .normalization, storage: type.dtype, rows.defines)
      launch(
        "\(node.operation.name) \(type)", variant.adding(defines), "normalization_apply",
        [
          .storage(x), .storage(operand(node.inputs[1])), .storage(operand(node.inputs[2])),
          .storage(statistics.mean), .storage(statistics.variance), .storage(addend ?? x),
          .storage(makeResult(node.results[0], layout)), .integer(rows.rows),
          .integer(rows.channels), .number(normalization.epsilon), .integer(rows.itemRows),
        ], groups: rows.itemGroups, local: rows.local)
    }

    mutating func lowerNormalizationReduction(_ node: Node, _ normalization: Normalization) {
      let type = graph.type(of: node.inputs[0])
      let layout = imageLayout(type.shape)
      let rows = RowBlocks(type, tuning)
      let partial = makeWorkspace(2 * rows.blocks * rows.channels, type.dtype.accumulator)
      let images = node.inputs[0...1].map { Argument.storage(operand($0, layout)) }
      let vectors = node.inputs[2...].map { Argument.storage(operand($0)) }
      launch(
        "batchNormalizationReduction \(type)", backwardVariant(type, rows, normalization),
        "normalization_gradient_sums",
        images + vectors + [
          .storage(partial), .integer(rows.rows), .integer(rows.channels),
          .integer(rows.blockRows), .number(normalization.epsilon),
        ], groups: rows.blockGroups, local: rows.local)
      // Both sums of a block lie beside each other, so one launch merges both kinds.
      let merge = RowBlocks(
        rows: rows.blocks, channels: rows.channels, type.dtype.accumulator, tuning)
      let variant = ProgramVariant(
        .channelReduction, storage: type.dtype.accumulator, merge.defines)
      launch(
        "batchNormalizationReduction partials", variant, "reduction_channel_pairs",
        [
          .storage(partial), .storage(makeResult(node.results[0])),
          .storage(makeResult(node.results[1])), .integer(rows.blocks), .integer(rows.channels),
        ], groups: merge.mergeGroups, local: merge.local)
    }

    mutating func lowerNormalizationInputGradient(_ node: Node, _ normalization: Normalization) {
      let type = graph.type(of: node.inputs[0])
      let layout = imageLayout(type.shape)
      let rows = RowBlocks(type, tuning)
      let images = node.inputs[0...1].map { Argument.storage(operand($0, layout)) }
      let vectors = node.inputs[2...].map { Argument.storage(operand($0)) }
      launch(
        "batchNormalizationInputGradient \(type)", backwardVariant(type, rows, normalization),
        "normalization_input_gradient",
        images + vectors + [
          .storage(makeResult(node.results[0], layout)), .integer(rows.rows),
          .integer(rows.channels), .number(normalization.epsilon), .integer(rows.itemRows),
        ], groups: rows.itemGroups, local: rows.local)
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
#endif
