public import IsometryCommunication
import IsometryCore
public import IsometryData
public import IsometryGraph
import IsometryNN
import RealModule

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
  private let ranks: any Communicator
  private var batchSize: Int { inputs.batchSize }
  /// Made once: pinned memory is costly to come by.
  private var slots: [any StagingSlot] = []

  /// Measures with the session of an evaluation graph.
  ///
  /// - Parameter ranks: the processes that divide the images among them; all evaluate together.
  public init(
    session: any Session, dataset: ImageDataset,
    batchesInFlight: Int = BatchStream.defaultBatchesInFlight, isHeldOut: Bool = false,
    ranks: any Communicator = SingleProcess()
  ) {
    self.ranks = ranks
    self.isHeldOut = isHeldOut
    self.session = session
    self.dataset = dataset
    self.batchesInFlight = batchesInFlight
    inputs = StepInputs(of: session.graph)
  }

  /// The loss and accuracy over the whole data set; nil if `stop` is requested.
  public func evaluate(stop: StopRequest = StopRequest()) throws -> Result? {
    try evaluate(StopAgreement(stop, of: ranks))
  }

  func evaluate(_ agreement: StopAgreement) throws -> Result? {
    try evaluate(agreement) { _ in }
  }

  /// The loss, the accuracy and the confusion matrix: for each class, the number of images classified as
  /// each class. nil if `stop` is requested. Reads the logits of every batch back, so it is slower
  /// than `evaluate`.
  ///
  /// - Parameter onProgress: called after each batch with the number of images that are done, and of all.
  /// - Throws: `TrainingError.nonFiniteLogits`, and errors of the session.
  public func evaluateConfusion(
    stop: StopRequest = StopRequest(), onProgress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws -> (result: Result, confusion: ConfusionMatrix)? {
    try evaluateImages(stop: stop, onProgress: onProgress).map { result, images in
      (result, ConfusionMatrix(classNames: dataset.classNames, images))
    }
  }

  /// The classification of one image.
  package struct Classification: Sendable, Equatable {
    /// The number of the image in the data set.
    package let index: Int
    package let label: Int
    /// The first of the classes with the largest logit, as the loss counts them.
    package let predicted: Int
    /// The softmax of the logits.
    package let probabilities: [Double]  // [classes]

    package var labelProbability: Double { probabilities[label] }
    package var predictedProbability: Double { probabilities[predicted] }

    init(index: Int, label: Int, logits: ArraySlice<Float>) {
      var predicted = logits.startIndex
      for place in logits.indices where logits[place] > logits[predicted] { predicted = place }
      let largest = Double(logits[predicted])
      let exponentials = logits.map { Double.exp(Double($0) - largest) }
      let sum = exponentials.reduce(0, +)
      self.index = index
      self.label = label
      self.predicted = predicted - logits.startIndex
      probabilities = exponentials.map { $0 / sum }
    }
  }

  /// The loss, the accuracy and the classification of every image, in the order of the data set; otherwise
  /// as `evaluateConfusion`.
  package func evaluateImages(
    stop: StopRequest = StopRequest(), onProgress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws -> (result: Result, images: [Classification])? {
    precondition(ranks.size == 1, "a rank classifies its own images alone")
    var images: [Classification] = []
    let result = try evaluate(StopAgreement(stop, of: ranks)) { batch in
      let logits = try session.read(output: StepNames.logits)  // [N, classes]
      let classes = logits.shape[1]
      let values = logits.floats
      guard values.prefix(batch.validCount * classes).allSatisfy(\.isFinite) else {
        throw TrainingError.nonFiniteLogits
      }
      for row in 0..<batch.validCount {
        let index = batch.position.batch * batchSize + row
        images.append(
          Classification(
            index: index, label: Int(dataset.labels[index]),
            logits: values[row * classes..<(row + 1) * classes]))
      }
      onProgress(images.count, dataset.count)
    }
    return result.map { ($0, images) }
  }

  private func evaluate(
    _ agreement: StopAgreement, afterStep: (BatchStream.Batch) throws -> Void
  ) throws -> Result? {
    let names = (loss: StepNames.evaluationLoss, correct: StepNames.evaluationCorrect)
    try MetricTotals.reset(in: session, names)
    if slots.isEmpty { slots = try session.makeStagingSlots(batchesInFlight) }
    let stream = BatchStream(
      of: dataset, batchSize: batchSize, order: .sequential, slots: slots,
      slice: BatchStream.Slice(ranks.rank, of: ranks.size))
    defer { stream.stop() }
    for _ in 0..<stream.batchesPerEpoch {
      if agreement.reach().isStopping { return nil }
      let batch = try stream.next()
      inputs.write(to: batch.slot, learningRate: 0, step: 1, samples: 0)
      try session.step(from: batch.slot)
      stream.recycle(batch)
      try afterStep(batch)
    }
    let own = try MetricTotals(readingFrom: session, names)
    let totals = ranks.sum([own.loss, own.correct])
    // Each step's mean is over the whole batch, padding included, which adds nothing.
    return Result(
      loss: totals[0] * Double(batchSize) / Double(dataset.count), correct: Int(totals[1]),
      count: dataset.count)
  }
}
