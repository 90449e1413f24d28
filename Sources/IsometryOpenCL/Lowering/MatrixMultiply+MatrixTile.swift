import IsometryCore
import IsometryGraph

extension Lowering {
  /// The product on the device's matrix units; false where it has none that take the operands.
  mutating func lowerOnMatrixUnits(_ node: Node, _ product: MatrixMultiply) -> Bool {
    let (a, b) = (graph.type(of: node.inputs[0]), graph.type(of: node.inputs[1]))
    let result = graph.type(of: node.results[0])
    let (rows, columns, inner) = product.extents(a.shape, b.shape)
    guard let units = matrixUnits, units.types.contains(a.dtype),
      MatrixUnits.canRead(rowsOf: a.shape[1]), MatrixUnits.canRead(rowsOf: b.shape[1]),
      MatrixUnits.canRead(rowsOf: columns)
    else { return false }
    let epilogue = product.epilogue
    let left = operand(node.inputs[0])
    let right = operand(node.inputs[1])
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : left
    let residual = epilogue.hasResidual ? operand(node.inputs.last!) : left
    let tile = chooseTile(
      "matrixMultiply", product.shape(rows, columns, inner), rows: rows, columns: columns,
      a.dtype, units)
    var defines = epilogue.defines
    defines["RESULT_IS_ACCUM"] = result.dtype == a.dtype ? "0" : "1"
    let variant = tile.variant(
      .matrixProduct, leftInnerLast: !product.transposeLeft,
      rightInnerLast: product.transposeRight)
    launch(
      "matrixMultiply \(rows)x\(columns)x\(inner) \(a.dtype.rawValue)", variant.adding(defines),
      "gemm_matrix_tile",
      [
        .storage(left), .storage(right), .storage(bias), .storage(residual),
        .storage(makeResult(node.results[0])), .integer(rows), .integer(columns), .integer(inner),
      ], groups: [tile.blocks(rows: rows, columns: columns)], local: [MatrixTile.items])
    return true
  }
}
