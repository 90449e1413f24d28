import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct ImageDecodingTests {
  static let augmentations: [ImageDecoding.Augmentation?] = [
    nil,
    .init(cropPadding: 4, flips: true, cutout: 0, seed: 7),
    .init(cropPadding: 0, flips: true, cutout: 5, seed: 0xFFFF_FFFF_0000_0001),
    .init(cropPadding: 1, flips: false, cutout: 4, seed: 3),
    .init(cropPadding: 40, flips: true, cutout: 40, seed: 5),
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
        for (index, augmentation) in Self.augmentations.enumerated() {
          let decoding = ImageDecoding(
            mean: (0..<shape[1]).map { 0.4 + 0.03 * Double($0) },
            deviation: (0..<shape[1]).map { 0.2 + 0.01 * Double($0) }, dtype: precision,
            augmentation: augmentation)
          experiment.compare(
            "\(shape) augmentation \(index)",
            experiment.graph.decodeImages(images, samples: position, decoding), .exact)
        }
      }
      try expectAgreement(experiment, on: subject)
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
          augmentation: .init(cropPadding: 2, flips: true, cutout: 2, seed: 3), mixes: true)
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
