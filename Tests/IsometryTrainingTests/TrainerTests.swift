import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct TrainerTests {
  @Test func aRunLearnsAndTells() throws {
    let run = try SmallRun.make(SmallRun.configuration { $0.epochs = 8 })
    let records = Records()
    let trainer = try run.makeTrainer(savingTo: nil)
    #expect(try trainer.run(onEvent: records.handle) == .completed)
    #expect(records.epochs.map { $0[0] } == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(records.epochs[7][1] < records.epochs[0][1], "the loss falls")
    #expect(trainer.state.step == 40 && trainer.state.samples == 320)
    #expect(trainer.state.epoch == 8 && trainer.state.batch == 0)
  }

  @Test func aRunEndsAtItsAccuracy() throws {
    let whole = Records()
    _ = try SmallRun.make(SmallRun.configuration { $0.epochs = 8 }).makeTrainer(savingTo: nil)
      .run(onEvent: whole.handle)
    let accuracies = whole.epochs.map { $0[4] }
    let best = try #require(accuracies.max())
    let end = try #require(accuracies.firstIndex(of: best))
    let configuration = SmallRun.configuration {
      $0.epochs = 8
      $0.untilAccuracy = 100 * best
    }
    try withFolder { folder in
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let records = Records()
      let trainer = try SmallRun.make(configuration).makeTrainer(savingTo: runs)
      var total = 0.0
      let outcome = try trainer.run { event in
        records.handle(event)
        if case .epochEnded(let record) = event {
          total += record.seconds
          #expect(record.totalSeconds == total)
        }
      }
      #expect(outcome == .reachedAccuracy)
      #expect(records.epochs == Array(whole.epochs[...end]))

      let checkpoint = try #require(try runs.readNewestCheckpoint()).checkpoint
      // Equal runs have equal checkpoints, without times.
      #expect(checkpoint.state.testAccuracy == best && checkpoint.state.earlierSeconds == 0)
      func resumed(until percent: Double) throws -> (TrainingOutcome, TrainingState) {
        let run = try SmallRun.make(
          SmallRun.configuration {
            $0.epochs = 8
            $0.untilAccuracy = percent
          })
        try run.restore(checkpoint, path: "")
        let trainer = try run.makeTrainer(savingTo: nil)
        return (try trainer.run(), trainer.state)
      }
      let again = try resumed(until: 100 * best)
      #expect(again == (.reachedAccuracy, checkpoint.state))
      let further = try resumed(until: 100)
      #expect(further.0 == .completed && further.1.epoch == 8)
    }
  }

  /// A rate of nearly nothing changes no prediction after the first epoch.
  @Test func aRunWithoutImprovementEnds() throws {
    let configuration = SmallRun.configuration {
      $0.epochs = 9
      $0.learningRate = 1e-30
      $0.schedule = .constant
      $0.patience = 3
      $0.normalization = .none
    }
    try withFolder { folder in
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let trainer = try SmallRun.make(configuration).makeTrainer(savingTo: runs)
      #expect(try trainer.run() == .exhaustedPatience)
      #expect(trainer.state.epoch == 4 && trainer.state.bestEpoch == 1)
      let checkpoint = try #require(try runs.readNewestCheckpoint()).checkpoint
      let again = try SmallRun.make(configuration)
      try again.restore(checkpoint, path: "")
      #expect(try again.makeTrainer(savingTo: nil).run() == .exhaustedPatience)
      #expect(checkpoint.state.end(of: configuration) == .exhaustedPatience)
    }
  }

  /// As above, so that the rate drops after each two of the epochs 2 to 7, also across an interruption.
  @Test func theRateDropsWithoutImprovement() throws {
    let configuration = SmallRun.configuration {
      $0.epochs = 4
      $0.learningRate = 1e-30
      $0.schedule = .plateau
      $0.plateau = 2
      $0.normalization = .none
    }
    try withFolder { folder in
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let trainer = try SmallRun.make(configuration).makeTrainer(savingTo: runs)
      #expect(try trainer.run() == .completed)
      #expect(trainer.state.rateDrops == [3] && trainer.learningRate == 1e-30 * 0.1)
      var longer = configuration
      longer.epochs = 7
      try configuration.checkContinuation(as: longer)
      let further = try SmallRun.make(longer)
      try further.restore(try #require(try runs.readNewestCheckpoint()).checkpoint, path: "")
      let continued = try further.makeTrainer(savingTo: nil)
      #expect(try continued.run() == .completed)
      #expect(continued.state.rateDrops == [3, 5, 7])
      #expect(continued.learningRate == 1e-30 * pow(0.1, 3))
    }
  }

  @Test func aRunStopsWhenItsTimeIsUp() throws {
    let stop = StopRequest()
    stop.request(after: .milliseconds(1))
    let run = try SmallRun.make(SmallRun.configuration { $0.epochs = 1_000_000 })
    guard case .stopped = try run.makeTrainer(savingTo: nil).run(stop: stop) else {
      Issue.record("the run was to stop")
      return
    }
    #expect(stop.isRequested && stop.requestingSignal == nil)
  }

  /// The weights of the evaluation are finite, but its loss is not.
  @Test func aTestLossMayOverflow() throws {
    let configuration = SmallRun.configuration {
      $0.epochs = 1
      $0.normalization = .none
      $0.augment = []
      $0.learningRate = 1e-30
    }
    let run = try SmallRun.make(configuration)
    let weight = try run.session.read(variable: "layers.0.weight")
    let evaluation = try configuration.makeEvaluationGraph(
      batch: 20, normalizing: SmallRun.test.normalization)
    let session = try ReferenceBackend<Float>().makeSession(for: evaluation.graph)
    for (name, _) in evaluation.graph.variables where run.session.graph.source(named: name) != nil {
      let value = try run.session.read(variable: name)
      try session.write(value, toVariable: name)
    }
    try session.write(
      HostTensor(weight.shape, weight.doubles.map { 1e39 * $0 }), toVariable: "layers.0.weight")
    let trainer = try Trainer(
      session: run.session, evaluator: Evaluator(session: session, dataset: SmallRun.test),
      dataset: SmallRun.train,
      settings: Trainer.Settings(
        epochs: 1, schedule: configuration.makeSchedule(stepsPerEpoch: 5), seed: 1))
    var record: EpochRecord?
    let outcome = try trainer.run { if case .epochEnded(let ended) = $0 { record = ended } }
    #expect(outcome == .completed)
    let loss = try #require(record).testLoss
    #expect(!loss.isFinite)
    let line = try #require(record).json.line
    #expect(line.contains("\"test_loss\":null"))
    let read = try JSONFile.decode(EpochRecord.self, from: line.utf8)
    #expect(read.testLoss.isNaN && read.testAccuracy == record?.testAccuracy)

    let evaluator = Evaluator(session: session, dataset: SmallRun.test)
    #expect(throws: TrainingError.nonFiniteLogits) { try evaluator.evaluateConfusion() }
  }

  @Test func statesOfOlderVersionsAreRead() throws {
    let text = #"{"epoch":1,"batch":0,"step":5,"samples":40,"seconds":1,"inputWaitSeconds":0.5}"#
    let state = try JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    #expect(state.step == 5 && state.earlierSeconds == 0 && state.testAccuracy == nil)
  }

  @Test func progressCountsStepsOfTheEpoch() throws {
    let run = try SmallRun.make(SmallRun.configuration { $0.schedule = .constant })
    var settings = Trainer.Settings(
      epochs: 2, schedule: run.configuration.makeSchedule(stepsPerEpoch: 5), seed: 1)
    settings.readingInterval = .zero
    let trainer = try Trainer(
      session: run.session, evaluator: run.evaluator, dataset: SmallRun.train, settings: settings)
    let records = Records()
    _ = try trainer.run(onEvent: records.handle)
    // A reading begins after one step and is told after the next.
    #expect(records.progress.map(\.batch) == [1, 3, 1, 3])
    #expect(records.progress.map(\.step) == [1, 3, 6, 8])
    #expect(records.progress.map(\.epoch) == [1, 1, 2, 2])
    for progress in records.progress {
      #expect(progress.loss.isFinite && (0...1).contains(progress.accuracy))
      #expect(progress.learningRate == 0.02)
      #expect(progress.imagesPerSecond > 0 && progress.secondsLeft > 0)
    }
  }

  @Test func evaluationCountsEveryImageOnce() throws {
    // 20 test images in batches of 20, and of 7 with padding, give the same.
    let run = try SmallRun.make()
    let configuration = run.configuration
    let whole = try #require(try run.evaluator.evaluate())
    let graph = try configuration.makeEvaluationGraph(
      batch: 7, normalizing: SmallRun.test.normalization)
    let session = try ReferenceBackend<Float>().makeSession(
      for: graph.graph, sharing: run.session)
    let padded = try #require(
      try Evaluator(session: session, dataset: SmallRun.test).evaluate())
    #expect(padded.count == 20 && padded.correct == whole.correct)
    #expect(abs(padded.loss - whole.loss) < 1e-5 * whole.loss)
  }

  @Test func confusionAddsUp() throws {
    let run = try SmallRun.make()
    let (result, confusion) = try #require(try run.evaluator.evaluateConfusion())
    #expect(result == (try run.evaluator.evaluate()))
    let correct: Int = (0..<10).reduce(0) { $0 + confusion.counts[$1][$1] }
    #expect(correct == result.correct)
    #expect(confusion.counts.joined().reduce(0, +) == 20)
    #expect((0..<10).allSatisfy { confusion.imageCount(ofClass: $0) == 2 })
  }

  @Test func anInfiniteLossStopsTheRun() throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration {
        $0.learningRate = 1e30
        $0.schedule = .constant
      }
      let run = try SmallRun.make(configuration)
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let trainer = try run.makeTrainer(savingTo: runs)
      let error = try #require(throws: TrainingError.self) { try trainer.run() }
      guard case .nonFiniteLoss(_, let epoch, let step, let rate, _, let checkpoint) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(epoch == 1 && (1...5).contains(step) && rate == 1e30)
      #expect(checkpoint == runs.latestCheckpointPath)
      let kept = try Checkpoint(contentsOf: runs.latestCheckpointPath)
      #expect(kept.state == TrainingState(), "the last good state is the start of the run")
      #expect(kept.tensors.values.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
      for advice in [
        "learningRate", "warmup", "clipNorm", "initializer", runs.path,
      ] {
        #expect("\(error)".contains(advice))
      }
    }
  }

  /// A view's logits are those of the image that it shows: evaluations of the moved and mirrored images,
  /// averaged.
  @Test(arguments: EvaluationViews.allCases)
  func logitsOfViewsAreAveraged(views: EvaluationViews) throws {
    let run = try SmallRun.make()
    func logits(_ images: ImageDataset, _ views: EvaluationViews) throws -> [Double] {
      var configuration = run.configuration
      configuration.views = views
      let graph = try configuration.makeEvaluationGraph(
        batch: images.count, normalizing: images.normalization)
      let session = try ReferenceBackend<Float>().makeSession(
        for: graph.graph, sharing: run.session)
      _ = try #require(try Evaluator(session: session, dataset: images).evaluate())
      return try session.read(output: StepNames.logits).doubles
    }
    func shown(_ offset: Int, isMirrored: Bool) -> ImageDataset {
      let (test, side) = (SmallRun.test, CIFAR10.side)
      func source(_ position: Int) -> Int {
        let moved = position + offset
        return moved < 0 ? 1 : moved == side ? side - 2 : moved
      }
      let pixels = (0..<test.count * ImageDataset.channels * side).flatMap { line in
        let (plane, y) = (line / side, line % side)
        return (0..<side).map { x in
          test.pixels[(plane * side + source(y)) * side + source(isMirrored ? side - 1 - x : x)]
        }
      }
      return ImageDataset(
        split: .test, pixels: pixels, labels: test.labels, classNames: test.classNames,
        origin: "views", normalization: test.normalization)
    }
    let parts: [(offset: Int, isMirrored: Bool, weight: Double)] =
      switch views {
      case .one: [(0, false, 1)]
      case .two: [(0, false, 0.5), (0, true, 0.5)]
      case .six:
        [(0, false), (0, true), (-1, false), (-1, true), (1, false), (1, true)].map {
          ($0, $1, $0 == 0 ? 0.25 : 0.125)
        }
      }
    let found = try logits(SmallRun.test, views)
    var expected = found.map { _ in 0.0 }
    for part in parts {
      let single = try logits(shown(part.offset, isMirrored: part.isMirrored), .one)
      for index in expected.indices { expected[index] += part.weight * single[index] }
    }
    for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 1e-5) }
  }

  @Test func imagesHeldOutAreEvaluated() throws {
    let run = try SmallRun.make(
      SmallRun.configuration {
        $0.holdOut = 12
        $0.epochs = 1
      })
    let trainer = try run.makeTrainer(savingTo: nil)
    #expect(trainer.batchesPerEpoch == 3, "28 of 40 images in batches of 8")
    var record: EpochRecord?
    _ = try trainer.run { if case .epochEnded(let found) = $0 { record = found } }
    #expect(record?.isHeldOut == true)
    let held = try #require(try run.evaluator.evaluate())
    #expect(held.count == 12)
    let session = try ReferenceBackend<Float>().makeSession(
      for: run.configuration.makeEvaluationGraph(
        batch: 12, normalizing: SmallRun.train.normalization
      ).graph, sharing: run.session)
    let last = SmallRun.train.holdingOut(12).evaluation
    #expect(try Evaluator(session: session, dataset: last).evaluate() == held)
    let error = try #require(throws: ConfigurationError.self) {
      try SmallRun.make(SmallRun.configuration { $0.holdOut = 40 })
    }
    #expect(error.setting == .holdOut)
  }

  @Test func tooFewImagesAreRefused() throws {
    let error = try #require(throws: TrainingError.self) {
      try SmallRun.make(SmallRun.configuration { $0.batch = 41 })
    }
    #expect(error == .tooFewImages(count: 40, batch: 41))
  }

  /// The head for other classes keeps its initial values, and averages start from the weights.
  @Test func aRunStartsFromTheWeightsOfAnother() throws {
    let checkpoint = try SmallRun.make(SmallRun.configuration { $0.seed = 5 })
      .checkpoint(at: TrainingState())
    let classes = (0..<12).map { "class \($0)" }
    func renamed(_ images: ImageDataset) -> ImageDataset {
      ImageDataset(
        split: images.split, pixels: images.pixels, labels: images.labels, classNames: classes,
        origin: "other", normalization: images.normalization)
    }
    let other = try TrainingRun(
      SmallRun.configuration { $0.averageWeights = 0.9 }, train: renamed(SmallRun.train),
      test: renamed(SmallRun.test), backend: ReferenceBackend<Float>())
    let before = try other.checkpoint(at: TrainingState()).tensors
    let kept = try other.adopt(checkpoint, path: "a")
    let after = try other.checkpoint(at: TrainingState()).tensors
    #expect(!kept.isEmpty && kept.allSatisfy { $0.hasPrefix("head.") }, "\(kept)")
    for name in kept { #expect(after[name] == before[name]) }
    for name in ["layers.0.weight", "training/average.layers.0.weight"] {
      #expect(after[name] == checkpoint.tensors["layers.0.weight"] && after[name] != before[name])
    }
    // Only the bias of the head fits.
    let wider = try SmallRun.make(SmallRun.configuration { $0.model = "mlp:1x9" })
    #expect(throws: CheckpointError.self) { try wider.adopt(checkpoint, path: "a") }
  }
}
