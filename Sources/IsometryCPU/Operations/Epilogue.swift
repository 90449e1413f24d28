internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// The part of an epilogue after its product: y ← φ(y + residual), in place.
  func lowerEpilogue(
    _ name: String, of result: StoredValue, residual: StoredValue?, _ activation: Activation
  ) {
    guard residual != nil || activation != .linear else { return }
    let activation = activation.loops
    emitElementwise(
      "\(name)Epilogue", reads: [result.storage] + (residual.map { [$0.storage] } ?? []),
      writes: [result.storage], over: result
    ) { first, count in
      var strip = vl_strip(elements: count, lanes: 16)
      let y = result.bytes(from: first)
      vl_normalize(
        result.loops, &strip, y, nil, nil, residual?.bytes(from: first), activation, y)
    }
  }
}
