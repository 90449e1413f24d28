internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// The part of an epilogue after its product: y ← φ(y + residual), in place.
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
      var strip = vl_strip(elements: count, lanes: 16)
      let offset = first * size
      vl_normalize(
        type, &strip, result.storage.bytes(from: offset), nil, nil, residual?.bytes(from: offset),
        activation, result.storage.bytes(from: offset))
    }
  }
}
