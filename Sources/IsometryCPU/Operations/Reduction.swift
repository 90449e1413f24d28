internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerSum(_ node: Node) {
    lowerTotal(node, [place(node.inputs[0])]) { type, x, first, count in
      vl_sum(type, x.bytes(from: first), count)
    }
  }

  func lowerDot(_ node: Node) throws(CPUError) {
    let x = place(node.inputs[0])
    let y = try storage(node.inputs[1], as: x.layout)
    lowerTotal(node, [x], reading: [y]) { type, x, first, count in
      vl_dot(type, x.bytes(from: first), y.bytes(from: first), count)
    }
  }

  func lowerSquaredNorm(_ node: Node) {
    lowerTotal(node, node.inputs.map { place($0) }) { type, x, first, count in
      vl_dot(type, x.bytes(from: first), x.bytes(from: first), count)
    }
  }

  /// A sum over all elements of tensors of one type, in pieces whose partial sums are added up in order.
  private func lowerTotal(
    _ node: Node, _ places: [StoredValue], reading extra: [Storage] = [],
    _ body: @escaping (vl_type, Storage, _ byteOffset: Int, Int64) -> Double
  ) {
    let pieces = places.flatMap { place in
      let total = place.type.shape.elementCount
      return stride(from: 0, to: total, by: Self.pieceLength).map {
        (storage: place.storage, first: $0, count: min(Self.pieceLength, total - $0))
      }
    }
    let result = makeResult(node.results[0]).storage
    let partials = Storage(byteCount: pieces.count * 8)
    let (type, size) = (places[0].type.dtype.loops, places[0].type.dtype.byteCount)
    emit(
      node.operation.name, reads: places.map(\.storage) + extra, writes: [partials],
      .pieces(pieces.count) { range in
        for index in range {
          let piece = pieces[index]
          partials.elements(Double.self)[index] = body(
            type, piece.storage, piece.first * size, Int64(piece.count))
        }
      })
    emit(
      "\(node.operation.name)Total", reads: [partials], writes: [result],
      .whole {
        let partials = partials.elements(Double.self)
        var total = 0.0
        for piece in pieces.indices { total += partials[piece] }
        result.elements(Float.self)[0] = Float(total)
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
    let (type, size) = (x.type.dtype.loops, x.type.dtype.byteCount)
    emit(
      name, reads: [x.storage], writes: [sums],
      geometry.work { strip, offset, _, partial in
        vl_channel_sum(
          type, strip, x.storage.bytes(from: offset * size), sums.elements() + partial)
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
    let geometry = ChannelGeometry(result)
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emit(
      node.operation.name, reads: [value], writes: [result.storage],
      geometry.work { strip, offset, channel, _ in
        vl_spread(
          type, strip, value.elements() + channel, result.storage.bytes(from: offset * size))
      })
  }

  /// A value in a layout for images: the one it was made in, or plain.
  func imagePlace(_ value: Value) throws(CPUError) -> StoredValue {
    let made = place(value)
    guard made.isNative else { return made }
    let standard = Layout.standard(made.type, lanes: lanes)
    return StoredValue(
      type: made.type, layout: standard, storage: try storage(value, as: standard))
  }
}
