internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerSum(_ node: Node) {
    lowerTotal(node, [place(node.inputs[0])]) { x, first, count in
      vl_sum(x.loops, x.bytes(from: first), count)
    }
  }

  func lowerDot(_ node: Node) throws(CPUError) {
    let x = place(node.inputs[0])
    let y = try place(node.inputs[1], as: x.layout)
    lowerTotal(node, [x], reading: [y.storage]) { x, first, count in
      vl_dot(x.loops, x.bytes(from: first), y.bytes(from: first), count)
    }
  }

  func lowerNorm(_ node: Node) {
    let places = node.inputs.map { place($0) }
    lowerTotal(node, places, isRoot: true) { x, first, count in
      vl_dot(x.loops, x.bytes(from: first), x.bytes(from: first), count)
    }
  }

  /// A sum over all elements of tensors of one type, or its root, in pieces whose partial sums are added up
  /// in order.
  private func lowerTotal(
    _ node: Node, _ places: [StoredValue], reading extra: [Storage] = [],
    isRoot: Bool = false,
    _ body: @escaping (StoredValue, _ first: Int, _ count: Int64) -> Double
  ) {
    let pieces = places.flatMap { place in
      let total = place.type.shape.elementCount
      return stride(from: 0, to: total, by: Self.pieceLength).map {
        (place: place, first: $0, count: min(Self.pieceLength, total - $0))
      }
    }
    let result = makeResult(node.results[0]).storage
    let partials = Storage(byteCount: pieces.count * 8)
    emit(
      node.operation.name, reads: places.map(\.storage) + extra, writes: [partials],
      .pieces(pieces.count) { range in
        for index in range {
          let piece = pieces[index]
          partials.elements(Double.self)[index] = body(
            piece.place, piece.first, Int64(piece.count))
        }
      })
    emit(
      "\(node.operation.name)Total", reads: [partials], writes: [result],
      .whole {
        let partials = partials.elements(Double.self)
        var total = 0.0
        for piece in pieces.indices { total += partials[piece] }
        result.elements(Float.self)[0] = Float(isRoot ? total.squareRoot() : total)
      })
  }

  func lowerChannelSum(_ value: Value, into total: Value) throws(CPUError) {
    let (sums, geometry) = try emitChannelSums("channelSum", of: value)
    lowerChannelSumTotal(of: sums, geometry, into: total)
  }

  /// Sums of each image over its channels' pixels, fp32 [images, channels].
  func emitChannelSums(
    _ name: String, of value: Value
  ) throws(CPUError) -> (sums: Storage, geometry: ChannelGeometry) {
    let x = try imagePlace(value)
    let geometry = ChannelGeometry(x)
    let sums = makeWorkspace(floats: geometry.images * geometry.channels)
    emit(
      name, reads: [x.storage], writes: [sums],
      geometry.work { strip, first, _, partial in
        vl_channel_sum(x.loops, strip, x.bytes(from: first), sums.elements() + partial)
      })
    return (sums, geometry)
  }

  /// - Parameter sums: of each image over its channels' pixels, fp32 [images, channels].
  func lowerChannelSumTotal(of sums: Storage, _ geometry: ChannelGeometry, into total: Value) {
    let result = makeResult(total).storage
    emit(
      "channelSumTotal", reads: [sums], writes: [result],
      .whole {
        vl_merge_sums(
          Int64(geometry.images), Int64(geometry.channels), sums.elements(), nil,
          result.elements())
      })
  }

  func lowerBroadcastChannels(_ node: Node) {
    let result = makeResult(node.results[0])
    let value = place(node.inputs[0]).storage
    emit(
      node.operation.name, reads: [value], writes: [result.storage],
      ChannelGeometry(result).work { strip, first, channel, _ in
        vl_spread(result.loops, strip, value.elements() + channel, result.bytes(from: first))
      })
  }

  /// A value in a layout for images: the one it was made in, or plain.
  func imagePlace(_ value: Value) throws(CPUError) -> StoredValue {
    let made = place(value)
    guard made.isNative else { return made }
    return try place(value, as: images.layout(of: made.type))
  }
}
