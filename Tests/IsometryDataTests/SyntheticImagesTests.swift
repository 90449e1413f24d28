import Foundation
import IsometryCore
import Testing

@testable import IsometryData

@Suite struct SyntheticImagesTests {
  private static let train = SyntheticImages.make(.train)
  private static let test = SyntheticImages.make(.test)

  @Test func picturesDependOnSeedSplitAndIndexAlone() {
    let some = SyntheticImages.make(.train, count: 70)
    #expect(some.pixels[...] == Self.train.pixels[..<some.pixels.count])
    #expect(SyntheticImages.make(.train, count: 70, seed: 11).pixels != some.pixels)
    #expect(SyntheticImages.make(.test, count: 70).pixels != some.pixels)
  }

  /// More than any machine holds: 12 TiB, and what no number of bytes counts.
  @Test(arguments: [Int(UInt32.max), .max])
  func whatDoesNotFitIsRefusedBeforeItIsDrawn(_ count: Int) throws {
    let error = try #require(throws: DatasetError.self) {
      try SyntheticImages.drawn(.train, count: count)
    }
    #expect(error.description.hasPrefix("\(count) images take"), "\(error)")
  }

  /// The bytes are part of what accuracies on this set mean, so they do not change unnoticed.
  @Test func picturesAreTheSameOnEveryMachine() {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for byte in SyntheticImages.make(.train, count: 100).pixels {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }
    #expect(hash == 3_976_801_929_162_771_659)
  }

  @Test func sizesAndClassesAreBalanced() {
    #expect(Self.train.count == 10_000)
    #expect(Self.test.count == 2_000)
    #expect(Self.train.classNames.count == 10)
    for dataset in [Self.train, Self.test] {
      var counts = [Int](repeating: 0, count: 10)
      for label in dataset.labels { counts[Int(label)] += 1 }
      #expect(counts.allSatisfy { $0 == dataset.count / 10 })
    }
  }

  @Test func noTwoPicturesAreEqual() {
    var seen = Set<ArraySlice<UInt8>>()
    for dataset in [Self.train, Self.test] {
      for index in 0..<dataset.count { seen.insert(dataset.image(index)) }
    }
    #expect(seen.count == Self.train.count + Self.test.count)
  }

  @Test func normalizationIsTheTrainingSplitsStatistics() {
    let measured = ChannelStatistics(of: Self.train)
    let stated = Self.train.normalization
    for channel in 0..<3 {
      #expect(abs(measured.mean[channel] - stated.mean[channel]) < 1e-4)
      #expect(
        abs(measured.standardDeviation[channel] - stated.standardDeviation[channel]) < 1e-4)
    }
    #expect(Self.test.normalization == stated)
  }

  /// The set asks for more than a weight for each pixel: multinomial logistic regression, trained
  /// by stochastic gradient descent, stays far below what a residual network reaches.
  @Test func linearClassifiersFail() {
    var classifier = SoftmaxClassifier(normalization: Self.train.normalization)
    for _ in 0..<3 { classifier.train(on: Self.train, rate: 1e-3) }
    let accuracy = classifier.accuracy(on: Self.test)
    #expect(accuracy < 0.6)
    #expect(accuracy > 0.05)  // a sign that it was trained at all; chance is 0.1
  }
}

/// Multinomial logistic regression of the normalized pixels.
private struct SoftmaxClassifier {
  private typealias Lanes = SIMD16<Float>
  private static let classes = 10
  private static let vectors = CIFAR10.bytesPerImage / Lanes.scalarCount
  private var weights = [Lanes](repeating: .zero, count: classes * vectors)  // [10, 3072]
  private var biases = [Float](repeating: 0, count: classes)  // [10]
  private var input = [Lanes](repeating: .zero, count: vectors)  // [3072]
  private let normalization: ChannelStatistics

  init(normalization: ChannelStatistics) {
    self.normalization = normalization
  }

  /// One epoch of stochastic gradient descent on the cross-entropy, an image a step.
  mutating func train(on dataset: ImageDataset, rate: Float) {
    for index in 0..<dataset.count {
      var errors = probabilities(of: dataset.image(index))
      errors[Int(dataset.labels[index])] -= 1
      for (row, error) in errors.enumerated() {
        biases[row] -= rate * error
        for column in 0..<Self.vectors {
          weights[row * Self.vectors + column] -= rate * error * input[column]
        }
      }
    }
  }

  mutating func accuracy(on dataset: ImageDataset) -> Double {
    let right = (0..<dataset.count).count { index in
      let found = probabilities(of: dataset.image(index))
      return found.firstIndex(of: found.max()!) == Int(dataset.labels[index])
    }
    return Double(right) / Double(dataset.count)
  }

  private mutating func probabilities(of image: ArraySlice<UInt8>) -> [Float] {
    read(image)
    var scores = biases
    for row in 0..<Self.classes {
      var sum = Lanes.zero
      for column in 0..<Self.vectors {
        sum += weights[row * Self.vectors + column] * input[column]
      }
      scores[row] += sum.sum()
    }
    let largest = scores.max()!
    let exponentials = scores.map { Float(exp(Double($0 - largest))) }
    let total = exponentials.reduce(0, +)
    return exponentials.map { $0 / total }
  }

  private mutating func read(_ image: ArraySlice<UInt8>) {
    image.withUnsafeBytes { bytes in
      for vector in 0..<Self.vectors {
        let channel = vector * Lanes.scalarCount / CIFAR10.pixelsPerChannel
        let mean = Float(normalization.mean[channel])
        let scale = 1 / Float(normalization.standardDeviation[channel])
        let raw = bytes.loadUnaligned(
          fromByteOffset: vector * Lanes.scalarCount, as: SIMD16<UInt8>.self)
        input[vector] = (Lanes(raw) / 255 - mean) * scale
      }
    }
  }
}
