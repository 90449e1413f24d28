import Foundation
import IsometryCore
public import IsometryData
public import IsometryGraph
import IsometryNN

/// Measures a network on a data set with a session's variables as they are.
public final class Evaluator {
  /// The result of an evaluation.
  public struct Result: Sendable, Equatable {
    /// The mean cross-entropy.
    public let loss: Double
    /// The number of images whose largest logit is at the label.
    public let correct: Int
    /// Images of the whole data set.
    public let count: Int

    /// The share of the images that were classified correctly, 0 to 1.
    public var accuracy: Double { Double(correct) / Double(count) }
  }

  /// Whether the images are held out of the training split, and not those of the test split.
  public let isHeldOut: Bool
  private let session: any Session
  private let dataset: ImageDataset
  private let batchesInFlight: Int
  private let inputs: StepInputs
  private var batchSize: Int { inputs.batchSize }
  /// Made once: pinned memory is costly to come by.
  private var slots: [any StagingSlot] = []

  /// Measures with the session of an evaluation graph.
  public init(
    session: any Session, dataset: ImageDataset,
    batchesInFlight: Int = BatchStream.defaultBatchesInFlight, isHeldOut: Bool = false
  ) {
    self.isHeldOut = isHeldOut
    self.session = session
    self.dataset = dataset
    self.batchesInFlight = batchesInFlight
    inputs = StepInputs(of: session.graph)
  }

  /// The loss and accuracy over the whole data set; nil if `stop` is requested.
  public func evaluate(stop: StopRequest = StopRequest()) throws -> Result? {
    try evaluate(stop: stop) { _ in }
  }

  /// The loss, the accuracy and the confusion matrix: for each class, the number of images classified as
  /// each class. nil if `stop` is requested. Reads the logits of every batch back, so it is slower
  /// than `evaluate`.
  ///
  /// - Throws: `TrainingError.nonFiniteLogits`, and errors of the session.
  public func evaluateConfusion(
    stop: StopRequest = StopRequest()
  ) throws -> (result: Result, confusion: ConfusionMatrix)? {
    var confusion = ConfusionMatrix(classNames: dataset.classNames)
    let result = try evaluate(stop: stop) { batch in
      let logits = try session.read(output: StepNames.logits)  // [N, classes]
      let classes = logits.shape[1]
      let values = logits.floats
      let first = batch.position.batch * batchSize
      guard values.prefix(batch.validCount * classes).allSatisfy(\.isFinite) else {
        throw TrainingError.nonFiniteLogits
      }
      for row in 0..<batch.validCount {
        // The first of equal logits, as the loss counts them.
        var predicted = 0
        for label in 1..<classes
        where values[row * classes + label] > values[row * classes + predicted] {
          predicted = label
        }
        confusion.counts[Int(dataset.labels[first + row])][predicted] += 1
      }
    }
    return result.map { ($0, confusion) }
  }

  /// The probability of each class, for each image: the softmax of the logits. nil if `stop` is requested.
  ///
  /// - Returns: [count][classes]
  public func probabilities(stop: StopRequest = StopRequest()) throws -> [[Double]]? {
    var result: [[Double]] = []
    let isComplete = try evaluate(stop: stop) { batch in
      let logits = try session.read(output: StepNames.logits)  // [N, classes]
      let (classes, values) = (logits.shape[1], logits.doubles)
      for row in 0..<batch.validCount {
        let own = values[row * classes..<(row + 1) * classes]
        let largest = own.max() ?? 0
        let exponentials = own.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        result.append(exponentials.map { $0 / sum })
      }
    }
    return isComplete == nil ? nil : result
  }

  private func evaluate(
    stop: StopRequest, afterStep: (BatchStream.Batch) throws -> Void
  ) throws -> Result? {
    let names = (loss: StepNames.evaluationLoss, correct: StepNames.evaluationCorrect)
    try MetricTotals.reset(in: session, names)
    if slots.isEmpty { slots = try session.makeStagingSlots(batchesInFlight) }
    let stream = BatchStream(
      of: dataset, batchSize: batchSize, order: .sequential, slots: slots)
    defer { stream.stop() }
    for _ in 0..<stream.batchesPerEpoch {
      if stop.isRequested { return nil }
      let batch = try stream.next()
      inputs.write(to: batch.slot, learningRate: 0, step: 1, samples: 0)
      try session.step(from: batch.slot)
      stream.recycle(batch)
      try afterStep(batch)
    }
    let totals = try MetricTotals(readingFrom: session, names)
    // Each step's mean is over the whole batch, padding included, which adds nothing.
    return Result(
      loss: totals.loss * Double(batchSize) / Double(dataset.count),
      correct: Int(totals.correct), count: dataset.count)
  }
}
