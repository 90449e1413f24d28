internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// What an epilogue leaves to do after its product: y ← φ(y + residual), in place.
  func lowerEpilogue(
    _ name: String, of result: StoredValue, residual: Storage?, _ activation: Activation
  ) {
    guard residual != nil || activation != .linear else { return }
    let activation = activation.loops
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emitElementwise(
      "\(name)Epilogue", reads: [result.storage] + (residual.map { [$0] } ?? []),
      writes: [result.storage], over: result
    ) { first, count in
      let vectors = (count + 15) / 16
      var strip = vl_strip(
        vectors: Int64(vectors), step: 16, lanes: 16, width: Int32(min(16, count)),
        last: Int32(count - 16 * (vectors - 1)))
      let offset = first * size
      vl_normalize(
        type, &strip, result.storage.bytes(from: offset), nil, nil, residual?.bytes(from: offset),
        activation, result.storage.bytes(from: offset))
    }
  }
}
