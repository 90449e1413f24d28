import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerMatrixMultiply(_ node: Node, _ product: MatrixMultiply) {
    let (a, b) = (graph.type(of: node.inputs[0]), graph.type(of: node.inputs[1]))
    let result = graph.type(of: node.results[0])
    let (rows, columns, inner) = product.extents(a.shape, b.shape)
    let epilogue = product.epilogue
    if gemmProvider == .clblast, a.dtype == .float32 || a.dtype == .float64,
      result.dtype == a.dtype
    {
      lowerLibraryProduct(node, product)
      return
    }
    if lowerOnMatrixUnits(node, product) { return }
    let left = operand(node.inputs[0])
    let right = operand(node.inputs[1], product.transposeRight ? .transposed : .rowMajor)
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : left
    let residual = epilogue.hasResidual ? operand(node.inputs.last!) : left
    let tile = chooseTile(
      "matrixMultiply", product.shape(rows, columns, inner), columns: columns, pixels: rows,
      a.dtype)
    var defines = epilogue.defines
    defines["RESULT_IS_ACCUM"] = result.dtype == a.dtype ? "0" : "1"
    let variant = ProgramVariant(.gemm, storage: a.dtype, tile.defines)
    launch(
      "matrixMultiply \(rows)x\(columns)x\(inner) \(a.dtype.rawValue)", variant.adding(defines),
      "gemm_register_tile",
      [
        .storage(left), .storage(right), .storage(bias), .storage(residual),
        .storage(makeResult(node.results[0])), .integer(rows), .integer(columns),
        .integer(inner), .integer(product.transposeLeft ? 1 : inner),
        .integer(product.transposeLeft ? rows : 1),
      ],
      groups: [
        quotientRoundedUp(columns / (tile.width * tile.vectors), tile.local[0]),
        quotientRoundedUp(quotientRoundedUp(rows, tile.pixels), tile.local[1]),
      ], local: tile.local)
  }

  /// The product by the library, and a launch for the epilogue where there is one.
  private mutating func lowerLibraryProduct(_ node: Node, _ product: MatrixMultiply) {
    let (a, b) = (graph.type(of: node.inputs[0]), graph.type(of: node.inputs[1]))
    let (rows, columns, inner) = product.extents(a.shape, b.shape)
    let epilogue = product.epilogue
    let left = operand(node.inputs[0])
    let right = operand(node.inputs[1])
    let y =
      epilogue == .none
      ? makeResult(node.results[0]) : makeWorkspace(rows * columns, a.dtype)
    multiply(
      PlannedProduct(
        label: "clblast \(rows)x\(columns)x\(inner) \(a.dtype.rawValue)", dtype: a.dtype, a: left,
        b: right, y: y, transposeLeft: product.transposeLeft,
        transposeRight: product.transposeRight, rows: rows, columns: columns, inner: inner))
    guard epilogue != .none else { return }
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : y
    let residual = epilogue.hasResidual ? operand(node.inputs.last!) : y
    let blocks = RowBlocks(rows: rows, channels: columns, a.dtype, tuning)
    launch(
      "matrixMultiply epilogue \(rows)x\(columns) \(a.dtype.rawValue)",
      ProgramVariant(.gemmEpilogue, storage: a.dtype, blocks.defines).adding(epilogue.defines),
      "gemm_epilogue",
      [
        .storage(y), .storage(bias), .storage(residual),
        .storage(makeResult(node.results[0])), .integer(rows), .integer(columns),
        .integer(blocks.itemRows),
      ], groups: blocks.itemGroups, local: blocks.local)
  }
}

extension MatrixMultiply {
  /// The extents in words, and which operands lie transposed.
  func shape(_ rows: Int, _ columns: Int, _ inner: Int) -> String {
    "\(rows)x\(columns)x\(inner)" + (transposeLeft ? " left transposed" : "")
      + (transposeRight ? " right transposed" : "")
  }
}
