internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension Layout {
  /// The rows of a parameter's matrix, one after the other.
  static func matrix(_ type: TensorType) throws(CPUError) -> Layout {
    type.shape.rank == 4
      ? .native(try MemoryDescriptor(type.shape, type.dtype, dnnl_cdba)) : .plain
  }
}

extension GraphLowering {
  /// Directions, then their division by their norms.
  func lowerMomentumDirections(_ node: Node, _ update: OrthogonalUpdate) throws(CPUError) {
    let header = update.hasGradientScale ? 1 : 0
    let scale = update.hasGradientScale ? place(node.inputs[0]).storage : nil
    let layout = try Layout.matrix(graph.type(of: node.inputs[header]))
    var operands: [Storage] = []
    for input in node.inputs.dropFirst(header) { operands.append(try storage(input, as: layout)) }
    let inputs = operands
    let result = makeResult(node.results[0]).storage
    let pieces = MatrixPieces(node.results[0], in: graph)
    let (share, kept) = (Float(update.gradientShare), Float(update.momentumShare))
    emit(
      node.operation.name, reads: inputs + (scale.map { [$0] } ?? []),
      writes: [result, pieces.partials],
      pieces.work { piece in
        let gradient = inputs[2 * piece.matrix].elements(Float.self) + piece.first
        let momentum = inputs[2 * piece.matrix + 1].elements(Float.self) + piece.first
        let direction = result.elements(Float.self) + piece.place
        let share = share * (scale?.elements(Float.self)[0] ?? 1)
        for index in 0..<piece.count {
          direction[index] = share * gradient[index] + kept * momentum[index]
        }
        pieces.setSquares(of: direction, piece)
      })
    emit(
      "\(node.operation.name)Scale", reads: [result, pieces.partials], writes: [result],
      pieces.work { piece in
        let direction = result.elements(Float.self) + piece.place
        let factor = Float(1 / (pieces.norm(of: piece.matrix) + OrthogonalUpdate.epsilon))
        vl_affine(VL_FLOAT32, direction, factor, 0, direction, Int64(piece.count))
      })
  }

  /// The parameters' norms if they are kept, then the step.
  func lowerOrthogonalUpdate(
    _ node: Node, _ update: OrthogonalUpdate, count: Int
  ) throws(CPUError) {
    let schedule = place(node.inputs[0]).storage
    let scale = update.hasGradientScale ? place(node.inputs[1]).storage : nil
    let directions = place(node.inputs[update.headerCount - 1]).storage
    let type = graph.type(of: node.inputs[update.headerCount])
    let layout = try Layout.matrix(type)
    let values = node.inputs.dropFirst(update.headerCount)
    var operands: [Storage] = []
    for value in values { operands.append(try storage(value, as: layout)) }
    let inputs = operands
    let parameters = stride(from: 0, to: inputs.count, by: 3).map { inputs[$0] }
    let momenta = stride(from: 2, to: inputs.count, by: 3).map { inputs[$0] }
    let pieces = MatrixPieces(node.inputs[update.headerCount - 1], in: graph)
    if update.keepsNorm {
      emit(
        "\(node.operation.name)Norm", reads: parameters, writes: [pieces.partials],
        pieces.work { piece in
          pieces.setSquares(of: inputs[3 * piece.matrix].elements() + piece.first, piece)
        })
    }
    let wanted = Double(type.shape[0]).squareRoot()
    emit(
      node.operation.name,
      reads: inputs + [schedule, directions] + (update.keepsNorm ? [pieces.partials] : [])
        + (scale.map { [$0] } ?? []),
      writes: parameters + momenta,
      pieces.work { piece in
        let scale = scale?.elements(Float.self)[0] ?? 1
        guard scale != 0 else { return }
        let rate = Float(
          Double(schedule.elements(Float.self)[0]) * update.learningRateScale)
        let norm =
          update.keepsNorm ? pieces.norm(of: piece.matrix) + OrthogonalUpdate.epsilon : wanted
        let kept = Float(wanted / norm) * (1 - rate * Float(update.weightDecay))
        let parameter = inputs[3 * piece.matrix].elements(Float.self) + piece.first
        let gradient = inputs[3 * piece.matrix + 1].elements(Float.self) + piece.first
        let momentum = inputs[3 * piece.matrix + 2].elements(Float.self) + piece.first
        let direction = directions.elements(Float.self) + piece.place
        let remembered = Float(update.momentum)
        for index in 0..<piece.count {
          parameter[index] = kept * parameter[index] - rate * direction[index]
          momentum[index] = remembered * momentum[index] + scale * gradient[index]
        }
      })
    // Variables in another layout were copied for the step.
    for index in node.operation.mutatedInputs {
      let variable = place(node.inputs[index])
      let matrix = inputs[index - update.headerCount]
      guard variable.storage !== matrix else { continue }
      try convert(
        StoredValue(type: type, layout: layout, storage: matrix), to: variable, "reorder")
    }
  }
}

/// The pieces of equal matrices that threads share, with the sum of squares of each.
private struct MatrixPieces {
  struct Piece {
    let index: Int
    let matrix: Int
    /// The first element in the matrix.
    let first: Int
    /// The first element in the array of all matrices.
    let place: Int
    let count: Int
  }

  let partials: Storage
  private let pieces: [Piece]
  private let piecesPerMatrix: Int

  /// - Parameter matrices: a value [matrices, rows, columns].
  init(_ matrices: Value, in graph: Graph) {
    let shape = graph.shape(of: matrices)
    let size = shape[1] * shape[2]
    let length = GraphLowering.pieceLength
    let perMatrix = (size + length - 1) / length
    pieces = (0..<shape[0] * perMatrix).map { index in
      let (matrix, first) = (index / perMatrix, index % perMatrix * length)
      return Piece(
        index: index, matrix: matrix, first: first, place: matrix * size + first,
        count: min(length, size - first))
    }
    piecesPerMatrix = perMatrix
    partials = Storage(byteCount: pieces.count * 8)
  }

  func work(_ body: @escaping (Piece) -> Void) -> Launch.Work {
    let pieces = pieces
    return .pieces(pieces.count) { range in for index in range { body(pieces[index]) } }
  }

  func setSquares(of elements: UnsafeMutablePointer<Float>, _ piece: Piece) {
    partials.elements(Double.self)[piece.index] = vl_dot(
      VL_FLOAT32, elements, elements, Int64(piece.count))
  }

  /// The Frobenius norm of a matrix, after the squares of its pieces were set.
  func norm(of matrix: Int) -> Double {
    var total = 0.0
    for index in 0..<piecesPerMatrix {
      total += partials.elements(Double.self)[matrix * piecesPerMatrix + index]
    }
    return total.squareRoot()
  }
}
