import IsometryCore
import IsometryGraph
import IsometryReference
import TestSupport
import Testing

@Suite struct ImageDecodingTests {
  static let augmentations: [ImageDecoding.Augmentation?] = [
    nil,
    .init(cropPadding: 4, flips: .random, cutout: 0, seed: 7),
    .init(cropPadding: 0, flips: .random, cutout: 5, seed: 0xFFFF_FFFF_0000_0001),
    .init(cropPadding: 1, flips: .none, cutout: 4, seed: 3),
    .init(cropPadding: 40, flips: .random, cutout: 40, seed: 5),
    .init(cropPadding: 4, border: .reflection, flips: .random, cutout: 3, seed: 8),
    .init(cropPadding: 2, border: .reflection, flips: .alternating, cutout: 0, seed: 9),
    .init(cropPadding: 3, flips: .alternating, cutout: 0, seed: 0xFFFF_FFFF_0000_0001),
  ]
  static let views: [ImageDecoding.View] = [
    .init(isMirrored: true), .init(down: -1, right: -1), .init(down: 1, right: 1, isMirrored: true),
    .init(down: -4, right: 3),
  ]

  /// The same bits on every backend, also where the sample number has passed 2³².
  @Test(arguments: BackendUnderTest.all, [0, 1 << 31 - 3, 1 << 32 - 3, 5 << 32 + 1] as [UInt64])
  func decodedImagesAreTheSameBits(subject: BackendUnderTest, samples: UInt64) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: samples, precision: precision)
      let words = [samples, samples >> 32].map { Int32(truncatingIfNeeded: $0) }
      let position = experiment.input("samples", HostTensor([2], words))
      for shape in [[5, 3, 32, 32], [7, 1, 5, 7], [2, 4, 9, 8], [2, 3, 70, 65]] as [Shape] {
        let bytes = (0..<shape.elementCount).map { _ in
          UInt8(experiment.random.integer(below: 256))
        }
        let images = experiment.input(
          "images\(shape)", HostTensor(TensorType(shape, .uint8), bytes: bytes))
        let origins = experiment.input(
          "origins\(shape)",
          HostTensor(
            [shape[0], 2], (0..<2 * shape[0]).map { Int32($0.isMultiple(of: 2) ? 7 * $0 : $0 / 3) })
        )
        for (index, augmentation) in Self.augmentations.enumerated() {
          let decoding = ImageDecoding(
            mean: (0..<shape[1]).map { 0.4 + 0.03 * Double($0) },
            deviation: (0..<shape[1]).map { 0.2 + 0.01 * Double($0) }, dtype: precision,
            augmentation: augmentation)
          experiment.compare(
            "\(shape) augmentation \(index)",
            experiment.graph.decodeImages(
              images, samples: position,
              origins: augmentation?.flips == .alternating ? origins : nil, decoding), .exact)
        }
        for view in Self.views {
          let decoding = ImageDecoding(
            mean: (0..<shape[1]).map { 0.4 + 0.03 * Double($0) },
            deviation: (0..<shape[1]).map { 0.2 + 0.01 * Double($0) }, dtype: precision,
            augmentation: nil, view: view)
          experiment.compare(
            "\(shape) \(view)", experiment.graph.decodeImages(images, samples: position, decoding),
            .exact)
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// The reference against loops over a padded image.
  @Test func movedAndMirroredImagesAreThoseOfAPaddedOne() throws {
    let (count, height, width, padding) = (40, 6, 5, 2)
    var random = RandomStream(seed: 4)
    let shape: Shape = [count, 1, height, width]
    let bytes = (0..<shape.elementCount).map { _ in UInt8(random.integer(below: 256)) }
    let seed: UInt64 = 11
    // numpy.pad(mode="reflect") of one image.
    func padded(_ image: Int) -> [[UInt8]] {
      let rows = [2, 1] + Array(0..<height) + [height - 2, height - 3]
      let columns = [2, 1] + Array(0..<width) + [width - 2, width - 3]
      return rows.map { y in columns.map { bytes[(image * height + y) * width + $0] } }
    }
    for epoch in 0..<3 {
      let numbers = (0..<count).map { Int32(3 * $0 + 1) }
      var graph = Graph()
      let images = graph.input("images", shape, .uint8)
      let samples = graph.input("samples", [2], .int32)
      let origins = graph.input("origins", [count, 2], .int32)
      let decoding = ImageDecoding(
        mean: [0], deviation: [1], dtype: .float32,
        augmentation: .init(
          cropPadding: padding, border: .reflection, flips: .alternating, cutout: 0, seed: seed))
      graph.output(
        "result", graph.decodeImages(images, samples: samples, origins: origins, decoding))
      let session = try ReferenceBackend<Float>().makeSession(for: graph)
      try session.run([
        "images": HostTensor(TensorType(shape, .uint8), bytes: bytes),
        "samples": HostTensor([2], [Int32(epoch * count), 0]),
        "origins": HostTensor([count, 2], numbers.flatMap { [$0, Int32(epoch)] }),
      ])
      let result = try session.read(output: "result").floats
      var mirroredCount = 0
      for image in 0..<count {
        let words = RandomStream.block(
          seed: seed, stream: ImageDecoding.stream, index: UInt64(epoch * count + image))
        let mirror = RandomStream.block(
          seed: seed, stream: ImageDecoding.mirrorStream, index: UInt64(numbers[image]))[0]
        let isMirrored = (mirror & 1 == 1) != (epoch % 2 == 1)
        mirroredCount += isMirrored ? 1 : 0
        let (down, right) = (Int((UInt64(words[0]) * 5) >> 32), Int((UInt64(words[1]) * 5) >> 32))
        let whole = padded(image)
        for y in 0..<height {
          let moved = (0..<width).map { whole[y + down][$0 + right] }
          let expected = isMirrored ? moved.reversed() : moved
          for x in 0..<width {
            let place = (image * height + y) * width + x
            #expect(result[place] == Float(Double(expected[x]) / 255))
          }
        }
      }
      #expect((count / 4...3 * count / 4).contains(mirroredCount))
    }
  }

  /// Pairs are mixed after augmentation; the middle of an odd number of images stays.
  @Test(arguments: BackendUnderTest.all, [0, 0.3, 1] as [Float])
  func imagesAreMixedWithTheReverse(subject: BackendUnderTest, share: Float) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      let position = experiment.input("samples", HostTensor([2], [5, 0]))
      let mixing = experiment.input("mixing", HostTensor([1], [share]))
      for shape in [[5, 3, 32, 32], [1, 1, 5, 7], [4, 3, 7, 5]] as [Shape] {
        let bytes = (0..<shape.elementCount).map { _ in
          UInt8(experiment.random.integer(below: 256))
        }
        let images = experiment.input(
          "images\(shape)", HostTensor(TensorType(shape, .uint8), bytes: bytes))
        let decoding = ImageDecoding(
          mean: [Double](repeating: 0.4, count: shape[1]),
          deviation: [Double](repeating: 0.2, count: shape[1]), dtype: precision,
          augmentation: .init(cropPadding: 2, flips: .random, cutout: 2, seed: 3), mixes: true)
        // One image is rounded before the mixture, and the mixture again.
        experiment.compare(
          "\(shape)",
          experiment.graph.decodeImages(images, samples: position, mixing: mixing, decoding),
          reduction: 2, roundings: 4)
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
