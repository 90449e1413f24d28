internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerMatrixMultiply(_ node: Node, _ product: MatrixMultiply) throws(CPUError) {
    let (a, b) = (place(node.inputs[0]), place(node.inputs[1]))
    let result = makeResult(node.results[0])
    let extents = product.extents(a.type.shape, b.type.shape)
    func matrix(
      _ rows: Int, _ columns: Int, _ dtype: DType, transposed: Bool = false
    ) throws(CPUError) -> MemoryDescriptor {
      a.type.shape.rank == 3
        ? try MemoryDescriptor(
          [extents.batch, rows, columns], dtype, transposed ? dnnl_acb : dnnl_abc)
        : try MemoryDescriptor([rows, columns], dtype, transposed ? dnnl_ba : dnnl_ab)
    }
    let left = try matrix(
      extents.rows, extents.inner, a.type.dtype, transposed: product.transposeLeft)
    let right = try matrix(
      extents.inner, extents.columns, b.type.dtype, transposed: product.transposeRight)
    let target = try matrix(extents.rows, extents.columns, result.type.dtype)
    let epilogue = product.epilogue
    let rectifies = epilogue.activation == .relu && !epilogue.hasResidual

    let biasLayout = try matrix(1, extents.columns, .float32)
    let descriptor = try PrimitiveDescriptor(
      "multiply \(a.type) and \(b.type)", PrimitiveAttributes(rectifies: rectifies)
    ) {
      dnnl_matmul_primitive_desc_create(
        &$0, engine.engine, left.raw, right.raw, epilogue.hasBias ? biasLayout.raw : nil,
        target.raw, $1)
    }
    var arguments: [Primitive.Argument] = [
      .init(role: DNNL_ARG_SRC, layout: left, storage: a.storage),
      .init(role: DNNL_ARG_WEIGHTS, layout: right, storage: b.storage),
    ]
    if epilogue.hasBias {
      arguments.append(
        .init(role: DNNL_ARG_BIAS, layout: biasLayout, storage: place(node.inputs[2]).storage))
    }
    let reads = arguments.map(\.storage)
    arguments.append(.init(role: DNNL_ARG_DST, layout: target, storage: result.storage))
    let primitive = try Primitive(descriptor, engine, arguments, scratchpad: scratchpad)
    emit("matrixMultiply", primitive, reads: reads, writes: [result.storage])
    let residual =
      epilogue.hasResidual ? place(node.inputs[node.inputs.count - 1]) : nil
    lowerEpilogue(
      "matrixMultiply", of: result, residual: residual, rectifies ? .linear : epilogue.activation)
  }
}
