internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// One pass over the units of all parameters, each of which lies in one piece in a plain layout.
  func lowerAdaptiveClip(_ node: Node, _ clip: AdaptiveClip) throws(CPUError) {
    let scale = clip.hasGradientScale ? place(node.inputs[0]).storage : nil
    var reads = scale.map { [$0] } ?? []
    var writes: [Storage] = []
    var pieces: [(parameter: Storage, gradient: Storage, result: Storage, unit: Range<Int>)] = []
    for (position, value) in node.results.enumerated() {
      let parameter = try storage(node.inputs[clip.headerCount + 2 * position], as: .plain)
      let gradient = try storage(node.inputs[clip.headerCount + 2 * position + 1], as: .plain)
      let type = graph.type(of: value)
      let result = Storage(byteCount: type.byteCount, use: uses[value])
      setPlace(value, StoredValue(type: type, layout: .plain, storage: result))
      reads += [parameter, gradient]
      writes.append(result)
      let units = AdaptiveClip.units(of: type.shape)
      for unit in 0..<units.count {
        let range = unit * units.length..<(unit + 1) * units.length
        pieces.append((parameter, gradient, result, range))
      }
    }
    let list = pieces
    emit(
      node.operation.name, reads: reads, writes: writes,
      .pieces(list.count) { range in
        let scale = Double(scale?.elements(Float.self)[0] ?? 1)
        for piece in list[range] {
          let count = Int64(piece.unit.count)
          let parameter = piece.parameter.elements(Float.self) + piece.unit.lowerBound
          let gradient = piece.gradient.elements(Float.self) + piece.unit.lowerBound
          let size = vl_dot(VL_FLOAT32, parameter, parameter, count).squareRoot()
          let norm = vl_dot(VL_FLOAT32, gradient, gradient, count).squareRoot() * scale
          let limit = clip.limit(size: size)
          vl_affine(
            VL_FLOAT32, gradient, norm <= limit ? 1 : Float(limit / norm), 0,
            piece.result.elements(Float.self) + piece.unit.lowerBound, count)
        }
      })
  }
}
