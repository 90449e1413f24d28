internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// Σx or Σxy over all elements, in pieces whose partial sums are added up in order.
  func lowerTotal(_ node: Node) throws(CPUError) {
    let x = place(node.inputs[0])
    let y = node.inputs.count > 1 ? try storage(node.inputs[1], as: x.layout) : nil
    let result = makeResult(node.results[0]).storage
    let (type, size) = (x.type.dtype.loops, x.type.dtype.byteCount)
    let total = x.type.shape.elementCount
    let count = (total + Self.pieceLength - 1) / Self.pieceLength
    let partials = Storage(byteCount: count * 8)
    emit(
      node.operation.name, reads: [x.storage] + (y.map { [$0] } ?? []), writes: [partials],
      .pieces(count) { pieces in
        for piece in pieces {
          let first = piece * Self.pieceLength
          let (elements, length) = (
            x.storage.bytes(from: first * size), Int64(min(Self.pieceLength, total - first))
          )
          partials.elements(Double.self)[piece] =
            y.map { vl_dot(type, elements, $0.bytes(from: first * size), length) }
            ?? vl_sum(type, elements, length)
        }
      })
    emitTotal(node.operation.name, of: partials, count, into: result)
  }

  private func emitTotal(_ name: String, of partials: Storage, _ count: Int, into result: Storage) {
    emit(
      "\(name)Total", reads: [partials], writes: [result],
      .whole {
        let partials = partials.elements(Double.self)
        var total = 0.0
        for piece in 0..<count { total += partials[piece] }
        result.elements(Float.self)[0] = Float(total)
      })
  }

  func lowerSquaredNorm(_ node: Node) {
    struct Piece {
      let storage: Storage
      let first: Int
      let count: Int
    }
    var pieces: [Piece] = []
    let places = node.inputs.map { place($0) }
    for place in places {
      let total = place.type.shape.elementCount
      for first in stride(from: 0, to: total, by: Self.pieceLength) {
        pieces.append(
          Piece(
            storage: place.storage, first: first, count: min(Self.pieceLength, total - first)))
      }
    }
    let result = makeResult(node.results[0]).storage
    let partials = Storage(byteCount: pieces.count * 8)
    let (type, size) = (places[0].type.dtype.loops, places[0].type.dtype.byteCount)
    let list = pieces
    emit(
      node.operation.name, reads: places.map(\.storage), writes: [partials],
      .pieces(list.count) { range in
        for index in range {
          let piece = list[index]
          let x = piece.storage.bytes(from: piece.first * size)
          partials.elements(Double.self)[index] = vl_dot(type, x, x, Int64(piece.count))
        }
      })
    emitTotal(node.operation.name, of: partials, list.count, into: result)
  }

  func lowerChannelSum(_ value: Value, into total: Value) throws(CPUError) {
    let x = try imagePlace(value)
    let geometry = ChannelGeometry(x)
    let sums = makeWorkspace(floats: geometry.images * geometry.channels)
    let (type, size) = (x.type.dtype.loops, x.type.dtype.byteCount)
    emit(
      "channelSum", reads: [x.storage], writes: [sums],
      geometry.work { slab, offset, _, partial in
        vl_channel_sum(
          type, slab, x.storage.bytes(from: offset * size), sums.elements() + partial)
      })
    lowerChannelSumTotal(of: sums, geometry, into: total)
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

  func lowerBroadcast(_ node: Node) {
    let result = makeResult(node.results[0])
    let scalar = place(node.inputs[0]).storage
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emitElementwise(
      node.operation.name, reads: [scalar], writes: [result.storage], over: result
    ) { first, count in
      vl_fill(
        type, scalar.elements(Float.self)[0], result.storage.bytes(from: first * size),
        Int64(count))
    }
  }

  func lowerBroadcastChannels(_ node: Node) {
    let result = makeResult(node.results[0])
    let value = place(node.inputs[0]).storage
    let geometry = ChannelGeometry(result)
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emit(
      node.operation.name, reads: [value], writes: [result.storage],
      geometry.work { slab, offset, channel, _ in
        vl_spread(
          type, slab, value.elements() + channel, result.storage.bytes(from: offset * size))
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
