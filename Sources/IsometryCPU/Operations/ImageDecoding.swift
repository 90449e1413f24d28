internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerDecoding(_ node: Node, _ decoding: ImageDecoding) throws(CPUError) {
    let images = place(node.inputs[0])
    let samples = place(node.inputs[1]).storage
    let origins = decoding.readsOrigins ? place(node.inputs[2]).storage : nil
    let shape = images.type.shape
    let plain = StoredValue(
      type: graph.type(of: node.results[0]), layout: .plain,
      storage: Storage(
        byteCount: graph.type(of: node.results[0]).byteCount, use: uses[node.results[0]]))
    let table = Storage(byteCount: shape[1] * 256 * 4, .permanent, use: .tables)
    for channel in 0..<shape[1] {
      for (byte, level) in decoding.levels(ofChannel: channel).enumerated() {
        table.elements(Float.self)[256 * channel + byte] = Float(level)
      }
    }
    let augmentation = decoding.augmentation
    let rule = vl_decoding(
      channels: Int32(shape[1]), height: Int32(shape[2]), width: Int32(shape[3]),
      augmented: augmentation == nil ? 0 : 1,
      crop_padding: Int32(augmentation?.cropPadding ?? 0),
      reflects: decoding.border == .reflection ? 1 : 0,
      flips: augmentation?.flips == .random ? 1 : 0, cutout: Int32(augmentation?.cutout ?? 0),
      down: Int32(decoding.view.down), right: Int32(decoding.view.right),
      mirrored: decoding.view.isMirrored ? 1 : 0,
      seed: augmentation?.seed ?? 0, stream: ImageDecoding.stream)
    let length = shape.elementCount(from: 1)
    emit(
      node.operation.name, reads: [images.storage, samples, table] + (origins.map { [$0] } ?? []),
      writes: [plain.storage],
      .pieces(shape[0]) { range in
        let words = samples.elements(UInt32.self)
        let first = UInt64(words[0]) | UInt64(words[1]) << 32
        withUnsafePointer(to: rule) { rule in
          for image in range {
            vl_decode(
              plain.loops, rule, table.elements(), first &+ UInt64(image),
              origins.map { $0.elements(Int32.self) + 2 * image },
              images.storage.elements() + image * length,
              plain.bytes(from: image * length))
          }
        }
      })
    if decoding.mixes {
      let mixing = place(node.inputs[decoding.mixingInput]).storage
      emit(
        "\(node.operation.name)Mixing", reads: [plain.storage, mixing], writes: [plain.storage],
        .pieces((shape[0] + 1) / 2) { range in
          for image in range {
            vl_mix(
              plain.loops, mixing.elements(Float.self)[0], plain.bytes(from: image * length),
              plain.bytes(from: (shape[0] - 1 - image) * length), Int64(length))
          }
        })
    }
    if layout(node.results[0]) == .plain {
      setPlace(node.results[0], plain)
    } else {
      try convert(plain, to: makeResult(node.results[0]), "reorder")
    }
  }
}
