import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerDecoding(_ node: Node, _ decoding: ImageDecoding) {
    let type = graph.type(of: node.results[0])
    let shape = type.shape
    let levels = (0..<shape[1]).flatMap { decoding.levels(ofChannel: $0) }
    let pixels = shape[2] * shape[3]
    let local = Tuning.smallGroupSize
    let variant = ProgramVariant(
      .decoding, storage: type.dtype,
      [
        "WIDTH": 1, "LOCAL_SIZE": local,
        "HAS_AUGMENTATION": decoding.augmentation == nil ? 0 : 1,
      ])
    let augmentation =
      decoding.augmentation
      ?? ImageDecoding.Augmentation(cropPadding: 0, flips: .none, cutout: 0, seed: 0)
    let words = [augmentation.seed, ImageDecoding.stream].flatMap {
      [Int($0 & 0xFFFF_FFFF), Int($0 >> 32)]
    }
    launch(
      "decodeImages \(type)", variant, "decode_images",
      [
        .storage(operand(node.inputs[0])), .storage(operand(node.inputs[1])),
        // Without alternating flips the kernel does not read the origins.
        .storage(operand(node.inputs[decoding.readsOrigins ? 2 : 1])),
        .storage(values.makeConstant(levels, type.dtype)),
        .storage(values.makeResult(node.results[0], .channelsLast)), .integer(shape[1]),
        .integer(shape[2]), .integer(shape[3]),
      ] + words.map { .integer($0) } + [
        .integer(augmentation.cropPadding), .integer(decoding.border == .reflection ? 1 : 0),
        .integer(flipNumber(augmentation.flips)), .integer(augmentation.cutout),
        .integer(decoding.view.down), .integer(decoding.view.right),
        .integer(decoding.view.isMirrored ? 1 : 0),
      ],
      groups: [quotientRoundedUp(pixels, local), shape[0]], local: [local])
    if decoding.mixes { mixPairs(node, by: node.inputs[decoding.mixingInput]) }
  }

  private mutating func mixPairs(_ node: Node, by mixing: Value) {
    let type = graph.type(of: node.results[0])
    let length = type.shape.elementCount(from: 1)
    let width = Tuning.width(type.dtype, dividing: length)
    let local = Tuning.smallGroupSize
    launch(
      "decodeImages mixing \(type)",
      ProgramVariant(.mixing, storage: type.dtype, ["WIDTH": width, "LOCAL_SIZE": local]),
      "mix_images",
      [
        .storage(values.home(of: node.results[0]).storage), .storage(operand(mixing)),
        .integer(type.shape[0]), .integer(length),
      ],
      groups: [quotientRoundedUp(length / width, local), quotientRoundedUp(type.shape[0], 2)],
      local: [local])
  }

  /// The numbers of decode.cl.
  private func flipNumber(_ flips: ImageDecoding.Augmentation.Flips) -> Int {
    switch flips {
    case .none: 0
    case .random: 1
    case .alternating: 2
    }
  }
}
