import IsometryCore
import IsometryGraph

/// A part of one matrix that a group of an orthogonal update works on.
private struct MatrixPart {
  /// Parameter (not of directions), gradient and momentum.
  let storages: [StorageID]
  /// The first element in the matrix.
  let first: Int
  /// The first element in the array of all matrices.
  let place: Int
  let count: Int
  /// The number of the part, and the numbers of all parts of its matrix.
  let number: Int
  let numbers: Range<Int>

  /// The row that kernels/optimizer/orthogonal.cl describes.
  func words(elementByteCount size: Int) -> [TableWord] {
    let places = storages.map {
      TableWord.element($0, elementByteCount: size, plus: first)
    }
    return [TableWord](repeating: .number(0), count: 3 - places.count) + places
      + [place, count, numbers.lowerBound, numbers.count, number].map { .number($0) }
  }
}

extension Lowering {
  /// Directions, then their division by their norms.
  mutating func lowerMomentumDirections(_ node: Node, _ update: OrthogonalUpdate) {
    let inputs = node.inputs.dropFirst(update.hasGradientScale ? 1 : 0)
    let parts = matrixParts(inputs, perMatrix: 2, as: node.results[0])
    let dtype = graph.type(of: node.results[0]).dtype
    let partial = values.makeWorkspace(parts.count, dtype)
    let scale =
      update.hasGradientScale ? operand(node.inputs[0]) : values.makeConstant([1], dtype)
    let directions = values.makeResult(node.results[0])
    launchMatrices(node, "orthogonal_direction", parts) { storages, table in
      [
        .slab(of: storages[1]), .slab(of: storages[0]), table, .storage(scale),
        .storage(directions), .storage(partial), .number(update.gradientShare),
        .number(update.momentumShare),
      ]
    }
    launchMatrices(node, "orthogonal_normalize", parts) { _, table in
      [table, .storage(partial), .storage(directions)]
    }
  }

  /// The parameters' norms if they are kept, then the step.
  mutating func lowerOrthogonalUpdate(_ node: Node, _ update: OrthogonalUpdate) {
    let matrices = node.inputs[update.headerCount - 1]
    let parts = matrixParts(
      node.inputs.dropFirst(update.headerCount), perMatrix: 3, as: matrices)
    for storage in parts.flatMap({ [$0.storages[0], $0.storages[2]] }) {
      precondition(
        values.slab(of: storage) != .arena,
        "another session keeps a weight in a layout that its update does not have")
    }
    let dtype = graph.type(of: matrices).dtype
    let partial = values.makeWorkspace(parts.count, dtype)
    if update.keepsNorm {
      launchMatrices(node, "orthogonal_squares", parts) { storages, table in
        [.slab(of: storages[0]), table, .storage(partial)]
      }
    }
    let (schedule, directions) = (operand(node.inputs[0]), operand(matrices))
    let scale =
      update.hasGradientScale ? operand(node.inputs[1]) : values.makeConstant([1], dtype)
    let rows = Double(graph.shape(of: node.inputs[update.headerCount])[0])
    launchMatrices(node, "orthogonal_step", parts) { storages, table in
      [
        .slab(of: storages[0]), .slab(of: storages[2]), .slab(of: storages[1]), table,
        .storage(schedule), .storage(scale), .storage(directions), .storage(partial),
        .number(update.momentum), .number(update.learningRateScale), .number(update.weightDecay),
        .number(update.keepsNorm ? rows.squareRoot() : 0),
      ]
    }
  }

  /// The parts of equal matrices, with their operands in the order of the matrices' rows.
  ///
  /// - Parameter matrices: a value [matrices, rows, columns].
  private mutating func matrixParts(
    _ inputs: ArraySlice<Value>, perMatrix: Int, as matrices: Value
  ) -> [MatrixPart] {
    let shape = graph.shape(of: matrices)
    let size = shape[1] * shape[2]
    let length = Tuning.elementsPerGroup
    let perMatrixParts = quotientRoundedUp(size, length)
    var parts: [MatrixPart] = []
    for matrix in 0..<shape[0] {
      let values = inputs.dropFirst(matrix * perMatrix).prefix(perMatrix)
      let storages = values.map {
        operand($0, graph.shape(of: $0).rank == 4 ? .filtersLast : .rowMajor)
      }
      for first in stride(from: 0, to: size, by: length) {
        let start = matrix * perMatrixParts
        parts.append(
          MatrixPart(
            storages: storages, first: first, place: matrix * size + first,
            count: min(length, size - first), number: parts.count,
            numbers: start..<start + perMatrixParts))
      }
    }
    return parts
  }

  /// A launch for the parts whose operands lie in the same slabs.
  private mutating func launchMatrices(
    _ node: Node, _ kernel: String, _ parts: [MatrixPart],
    _ arguments: ([StorageID], Argument) -> [Argument]
  ) {
    let dtype = graph.type(of: node.inputs.last!).dtype
    for group in grouped(parts, by: { $0.storages.map { values.slab(of: $0) } }) {
      let table = group.flatMap { $0.words(elementByteCount: dtype.byteCount) }
      launch(
        node.operation.name,
        ProgramVariant(.orthogonalUpdate, storage: dtype, ["LOCAL_SIZE": Tuning.groupSize]), kernel,
        arguments(group[0].storages, .table(table)), groups: [group.count],
        local: [Tuning.groupSize], reached: group.flatMap(\.storages))
    }
  }
}
