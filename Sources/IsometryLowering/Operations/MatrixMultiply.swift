import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerMatrixMultiply(_ node: Node, _ product: MatrixMultiply) {
    let (a, b) = (graph.type(of: node.inputs[0]), graph.type(of: node.inputs[1]))
    let result = graph.type(of: node.results[0])
    let (batch, rows, columns, inner) = product.extents(a.shape, b.shape)
    let epilogue = product.epilogue
    if let library = options.library, a.dtype == .float32 || a.dtype == .float64,
      result.dtype == a.dtype, a.shape.rank == 2
    {
      lowerLibraryProduct(node, product, library)
      return
    }
    let left = operand(node.inputs[0])
    let right: StorageID
    let kernel: TiledKernel
    if let units = options.matrixUnits, units.compute(node, in: graph) {
      right = operand(node.inputs[1])
      kernel = matrixTileKernel(
        product, batch, rows, columns, inner, a.dtype, result.dtype, units)
    } else {
      right = operand(node.inputs[1], product.transposeRight ? .transposed : .rowMajor)
      kernel = registerTileKernel(product, batch, rows, columns, inner, a.dtype)
    }
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : left
    let residual = epilogue.hasResidual ? operand(node.inputs.last!) : left
    var defines = epilogue.defines
    defines["RESULT_IS_ACCUM"] = result.dtype == a.dtype ? "0" : "1"
    launch(
      "matrixMultiply " + (a.shape.rank == 3 ? "\(batch)x" : "")
        + "\(rows)x\(columns)x\(inner) \(a.dtype.rawValue)",
      kernel.variant.adding(defines), kernel.name,
      [
        .storage(left), .storage(right), .storage(bias), .storage(residual),
        .storage(values.makeResult(node.results[0])), epilogue.terms, .integer(rows),
        .integer(columns), .integer(inner),
      ] + kernel.arguments, groups: kernel.groups + [batch], local: kernel.local)
  }

  private mutating func registerTileKernel(
    _ product: MatrixMultiply, _ batch: Int, _ rows: Int, _ columns: Int, _ inner: Int,
    _ dtype: DType
  ) -> TiledKernel {
    let tile = tiles.choose(
      "matrixMultiply", product.shape(batch * rows, columns, inner), columns: columns,
      pixels: batch * rows, dtype)
    return TiledKernel(
      variant: ProgramVariant(.gemm, storage: dtype, tile.defines), name: "gemm_register_tile",
      arguments: [
        .integer(product.transposeLeft ? 1 : inner), .integer(product.transposeLeft ? rows : 1),
      ] + tile.gridArguments,
      groups: [
        quotientRoundedUp(columns / (tile.width * tile.vectors), tile.local[0]),
        quotientRoundedUp(quotientRoundedUp(rows, tile.rows), tile.local[1]),
      ], local: [tile.items])
  }

  private mutating func matrixTileKernel(
    _ product: MatrixMultiply, _ batch: Int, _ rows: Int, _ columns: Int, _ inner: Int,
    _ dtype: DType, _ result: DType, _ units: MatrixUnits
  ) -> TiledKernel {
    let tile = tiles.choose(
      "matrixMultiply", product.shape(batch * rows, columns, inner), rows: batch * rows,
      columns: columns, dtype, units)
    return TiledKernel(
      variant: tile.variant(
        .matrixProduct, leftInnerLast: !product.transposeLeft,
        rightInnerLast: product.transposeRight, result: result),
      name: "gemm_matrix_tile", groups: [tile.blocks(rows: rows, columns: columns)],
      local: [MatrixTile.items])
  }

  /// The product by the library, and a launch for the epilogue if there is one.
  private mutating func lowerLibraryProduct(
    _ node: Node, _ product: MatrixMultiply, _ library: String
  ) {
    let (a, b) = (graph.type(of: node.inputs[0]), graph.type(of: node.inputs[1]))
    let (_, rows, columns, inner) = product.extents(a.shape, b.shape)
    let epilogue = product.epilogue
    let left = operand(node.inputs[0])
    let right = operand(node.inputs[1])
    let y =
      epilogue == .none
      ? values.makeResult(node.results[0]) : values.makeWorkspace(rows * columns, a.dtype)
    launch(
      PlannedProduct(
        label: "\(library) \(rows)x\(columns)x\(inner) \(a.dtype.rawValue)", library: library,
        dtype: a.dtype, a: left,
        b: right, y: y, transposeLeft: product.transposeLeft,
        transposeRight: product.transposeRight, rows: rows, columns: columns, inner: inner))
    guard epilogue != .none else { return }
    let bias = epilogue.hasBias ? operand(node.inputs[2]) : y
    let residual = epilogue.hasResidual ? operand(node.inputs.last!) : y
    let blocks = RowBlocks(rows: rows, channels: columns, a.dtype)
    launch(
      "matrixMultiply epilogue \(rows)x\(columns) \(a.dtype.rawValue)",
      ProgramVariant(.gemmEpilogue, storage: a.dtype, blocks.defines).adding(epilogue.defines),
      "gemm_epilogue",
      [
        .storage(y), .storage(bias), .storage(residual),
        .storage(values.makeResult(node.results[0])), epilogue.terms, .integer(rows),
        .integer(columns), .integer(blocks.itemRows), .integer(blocks.columns),
      ], groups: blocks.itemGroups, local: [Tuning.groupSize])
  }
}

extension MatrixMultiply {
  /// The extents in words, and which operands lie transposed.
  func shape(_ rows: Int, _ columns: Int, _ inner: Int) -> String {
    "\(rows)x\(columns)x\(inner)" + (transposeLeft ? " left transposed" : "")
      + (transposeRight ? " right transposed" : "")
  }
}
