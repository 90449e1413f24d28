import Foundation
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct ResumeTests {
  /// Configurations whose whole state a checkpoint must carry.
  static let configurations = [
    SmallRun.configuration(),
    SmallRun.configuration {
      $0.normalization = .none
      $0.useDefaults(of: .adamw)
      $0.augment = [.crop, .flip, .cutout]
    },
    SmallRun.configuration {
      $0.device = "cpu"
      $0.model = "speedrun:4x4x4"
      $0.initializer = "dirac:images=20"
      $0.augment = [.translate, .alternateFlip]
      $0.views = .two
    },
    SmallRun.configuration {
      $0.precision = .fp16
      $0.clipNorm = 1
      $0.schedule = .cosine
      $0.warmup = 0.5
    },
    SmallRun.configuration {
      $0.useDefaults(of: .muon)
      $0.precision = .fp16
      $0.groups[.stemBiases].until = 1.5
      $0.groups[.headBiases].learningRate = 0
      $0.averageWeights = 0.9
      $0.clipAdaptive = 0.01
      $0.schedule = .linear
    },
    SmallRun.configuration {
      $0.device = "cpu"
      $0.model = "resnet20"
      $0.recompute = .blocks
    },
    SmallRun.configuration {
      $0.device = "cpu"
      $0.model = "resnet8"
      $0.normalization = .weight
      $0.mixup = 0.2
    },
    SmallRun.configuration {
      $0.device = "cpu"
      $0.model = "resnet20"
      $0.normalization = .none
      $0.initializer = "risotto"
      $0.useDefaults(of: .rmsprop)
    },
  ]

  /// Stops after every possible number of steps, goes on in a new session from the file, and compares
  /// every bit with a run that was never stopped.
  @Test(arguments: configurations)
  func anInterruptedRunGivesTheSameBits(_ configuration: RunConfiguration) throws {
    let whole = try SmallRun.make(configuration)
    let expected = Records()
    let trainer = try whole.makeTrainer(savingTo: nil)
    #expect(try trainer.run(onEvent: expected.handle) == .completed)
    let end = try whole.checkpoint(at: trainer.state)
    #expect(expected.epochs.count == 3)

    try withFolder { folder in
      for stops in [1, 4, 5, 7, 14] {
        let runs = try RunFolder.begin(at: "\(folder)/\(stops)", for: configuration)
        let first = Records()
        let state = try Self.stop(
          after: stops, SmallRun.make(configuration), in: runs, first)
        #expect(state.step == stops)
        #expect(state.epoch == (stops - 1) / 5, "the epoch's evaluation is still to come")

        let second = Records()
        let going = try SmallRun.make(configuration)
        let checkpoint = try Checkpoint(contentsOf: runs.latestCheckpointPath)
        #expect(checkpoint.configuration == whole.configuration)
        try going.restore(checkpoint, path: runs.latestCheckpointPath)
        let continued = try going.makeTrainer(savingTo: runs)
        #expect(try continued.run(onEvent: second.handle) == .completed)
        #expect(first.epochs + second.epochs == expected.epochs, "stopped after \(stops)")
        let result = try Checkpoint(contentsOf: runs.latestCheckpointPath)
        // The seconds it took are others.
        #expect(
          (result.state.epoch, result.state.batch, result.state.step, result.state.samples)
            == (end.state.epoch, end.state.batch, end.state.step, end.state.samples))
        for (name, tensor) in end.tensors {
          #expect(result.tensors[name] == tensor, "\(name), stopped after \(stops)")
        }
        #expect(result.tensors.count == end.tensors.count)
      }
    }
  }

  @Test func theSameSeedGivesTheSameRunAndAnotherDoesNot() throws {
    func losses(_ seed: UInt64) throws -> [[Double]] {
      let records = Records()
      let run = try SmallRun.make(SmallRun.configuration { $0.seed = seed })
      _ = try run.makeTrainer(savingTo: nil).run(onEvent: records.handle)
      return records.epochs
    }
    let first = try losses(1)
    #expect(try losses(1) == first)
    #expect(try losses(2) != first)
  }

  @Test func newestEpochsAreKept() throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration { $0.epochs = 4 }
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let records = Records()
      _ = try SmallRun.make(configuration).makeTrainer(savingTo: runs).run(
        onEvent: records.handle)
      let files = try FileManager.default.contentsOfDirectory(
        atPath: "\(runs.path)/checkpoints")
      #expect(
        files.sorted() == [
          "best.safetensors", "epoch-3.safetensors", "epoch-4.safetensors", "latest.safetensors",
        ])
      #expect(
        try Safetensors(contentsOf: runs.path(ofEpoch: 4))
          == Safetensors(contentsOf: runs.latestCheckpointPath))
      #expect(records.saved == [runs.latestCheckpointPath] + (1...4).map(runs.path(ofEpoch:)))
    }
  }

  @Test func epochsAreKeptAsTheConfigurationSays() throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration {
        $0.epochs = 7
        $0.saveEvery = 2
        $0.keep = 2
      }
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let records = Records()
      let run = try SmallRun.make(configuration)
      _ = try run.makeTrainer(savingTo: runs).run(onEvent: records.handle)
      #expect(
        try names(in: "\(runs.path)/checkpoints") == [
          "best.safetensors", "epoch-4.safetensors", "epoch-6.safetensors", "latest.safetensors",
        ])
      let accuracies = records.epochs.map { $0[4] }
      let best = try #require(accuracies.max())
      let epoch = try #require(accuracies.firstIndex(of: best)) + 1
      let file = try Checkpoint(contentsOf: runs.bestCheckpointPath)
      #expect(file.state.epoch == epoch && file.state.bestEpoch == epoch)
      #expect(file.state.testAccuracy == best && file.state.bestAccuracy == best)
      let metadata = try Safetensors(contentsOf: runs.latestCheckpointPath).metadata
      #expect(metadata["best_epoch"] == "\(epoch)" && metadata["best_test_accuracy"] == "\(best)")

      // A run that continues from an earlier checkpoint leaves none of later epochs.
      let earlier = try SmallRun.make(configuration)
      let path = runs.path(ofEpoch: 4)
      try earlier.restore(Checkpoint(contentsOf: path), path: path)
      let stop = StopRequest()
      stop.request(bySignal: 15)
      guard case .stopped = try earlier.makeTrainer(savingTo: runs).run(stop: stop) else {
        Issue.record("the run was to stop at once")
        return
      }
      #expect(
        try names(in: "\(runs.path)/checkpoints") == [
          "best.safetensors", "epoch-4.safetensors", "latest.safetensors",
        ])
    }
  }

  /// A run that is killed after a save within an epoch.
  @Test(arguments: configurations.prefix(5))
  func aSaveWithinAnEpochGivesTheSameBits(_ configuration: RunConfiguration) throws {
    struct Killed: Error {}
    var configuration = configuration
    let whole = try SmallRun.make(configuration)
    let expected = Records()
    let trainer = try whole.makeTrainer(savingTo: nil)
    #expect(try trainer.run(onEvent: expected.handle) == .completed)
    let end = try whole.checkpoint(at: trainer.state)
    configuration.saveSteps = 3
    try withFolder { folder in
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      let first = Records()
      #expect(throws: Killed.self) {
        try SmallRun.make(configuration).makeTrainer(savingTo: runs).run { event in
          first.handle(event)
          // At the start, and after steps 3, 5 (an epoch), 6, 9.
          if first.saved.count == 5 { throw Killed() }
        }
      }
      let going = try SmallRun.make(configuration)
      let start = try #require(try runs.readNewestCheckpoint())
      #expect(start.checkpoint.state.step == 9 && start.checkpoint.state.batch == 4)
      #expect(start.checkpoint.state.seconds > 0)
      try going.restore(start.checkpoint, path: start.path)
      let second = Records()
      let continued = try going.makeTrainer(savingTo: runs)
      #expect(try continued.run(onEvent: second.handle) == .completed)
      #expect(first.epochs + second.epochs == expected.epochs)
      #expect(try Checkpoint(contentsOf: runs.latestCheckpointPath).tensors == end.tensors)
    }
  }

  @Test func checkpointsOfOtherNetworksAreRefused() throws {
    let run = try SmallRun.make()
    let checkpoint = try run.checkpoint(at: TrainingState())
    let other = try SmallRun.make(SmallRun.configuration { $0.model = "mlp:2x8" })
    #expect(throws: CheckpointError.self) { try other.restore(checkpoint, path: "a") }
    let wider = try SmallRun.make(SmallRun.configuration { $0.model = "mlp:1x9" })
    #expect(throws: CheckpointError.self) { try wider.restore(checkpoint, path: "a") }
    let smaller = try other.checkpoint(at: TrainingState())
    #expect(throws: CheckpointError.self) { try run.restore(smaller, path: "a") }
    let adam = try SmallRun.make(SmallRun.configuration { $0.useDefaults(of: .adam) })
    #expect(throws: CheckpointError.self) { try adam.restore(checkpoint, path: "a") }
  }

  /// A place after so many steps of an epoch of 5 in batches of 8.
  private static func place(
    epoch: Int = 2, batch: Int = 3, step: Int = 13, samples: Int = 104
  ) -> TrainingState {
    var state = TrainingState()
    (state.epoch, state.batch, state.step, state.samples) = (epoch, batch, step, samples)
    return state
  }

  @Test func placesThatDoNotExistAreRefused() throws {
    let run = try SmallRun.make()
    try run.restore(run.checkpoint(at: Self.place()), path: "a")
    for place in [
      Self.place(epoch: -1), Self.place(batch: 6), Self.place(step: 14), Self.place(samples: 105),
      Self.place(epoch: .max), Self.place(step: .max), Self.place(samples: .max),
      Self.place(batch: .max), Self.place(epoch: .max, batch: 5, step: .max, samples: .max),
    ] {
      let error = try #require(throws: CheckpointError.self) {
        try run.restore(run.checkpoint(at: place), path: "a")
      }
      #expect(error.expected.description.contains("5 batches of 8, as 40 training images"))
    }
  }

  @Test func otherNumbersOfImagesAreRefused() throws {
    let run = try SmallRun.make()
    // As many batches, in another order.
    let other = try TrainingRun(
      SmallRun.configuration(), train: SyntheticImages.make(.train, count: 41),
      test: SmallRun.test, backend: ReferenceBackend<Float>())
    let error = try #require(throws: ConfigurationError.self) {
      try other.restore(run.checkpoint(at: Self.place()), path: "a")
    }
    #expect(error.setting == .data)
    #expect(error.description.contains("41") && error.description.contains("40"))
    try other.restore(run.checkpoint(at: TrainingState()), path: "a")
    try withFolder { folder in
      try run.checkpoint(at: Self.place()).write(to: "\(folder)/a")
      #expect(try Checkpoint(contentsOf: "\(folder)/a").trainImages == 40)
    }
  }

  /// As many images of the same size, with other classes.
  @Test func imagesOfOtherClassesAreRefused() throws {
    func renamed(_ images: ImageDataset) -> ImageDataset {
      ImageDataset(
        split: images.split, pixels: images.pixels, labels: images.labels,
        classNames: CIFAR10.classNames, origin: "other", normalization: images.normalization)
    }
    let checkpoint = try SmallRun.make().checkpoint(at: Self.place())
    let (train, test) = (renamed(SmallRun.train), renamed(SmallRun.test))
    let backend = ReferenceBackend<Float>()
    let other = try TrainingRun(
      SmallRun.configuration(), train: train, test: test, backend: backend)
    let says = "has airplane as class 0, and the network has \(SmallRun.train.classNames[0])"
    for use in [
      { try other.restore(checkpoint, path: "a") },
      {
        _ = try Evaluator(
          checkpoint, checkpoint.configuration, path: "a", dataset: test, backend: backend)
      },
    ] {
      let error = try #require(throws: ConfigurationError.self) { try use() }
      #expect(error.setting == .data && "\(error)".contains(says), "\(error)")
    }
    // Older configurations know no classes.
    var older = checkpoint.configuration
    older.images = nil
    _ = try Evaluator(checkpoint, older, path: "a", dataset: test, backend: backend)
    #expect(throws: ConfigurationError.self) {
      try TrainingRun(
        SmallRun.configuration(), train: SmallRun.train, test: test, backend: backend)
    }
  }

  @Test func modelAndTrainingStateAreApart() throws {
    let checkpoint = try SmallRun.make().checkpoint(at: TrainingState())
    let names = checkpoint.tensors.keys
    #expect(names.contains("layers.0.weight"))
    #expect(names.contains("norms.0.running_mean"))
    #expect(names.contains("training/layers.0.weight.momentum"))
    #expect(names.contains("training/metrics.loss"))
  }

  private static func stop(
    after steps: Int, _ run: TrainingRun, in folder: RunFolder, _ records: Records
  ) throws -> TrainingState {
    let stop = StopRequest()
    var settings = Trainer.Settings(
      epochs: run.configuration.epochs,
      schedule: run.configuration.makeSchedule(stepsPerEpoch: 5), seed: run.configuration.seed)
    settings.groupSchedules = run.configuration.makeGroupSchedules(stepsPerEpoch: 5)
    settings.mixup = run.configuration.mixup
    settings.readingInterval = .zero
    let session = CountingSession(run.session) { count in
      if count == steps { stop.request(bySignal: 15) }
    }
    let trainer = try Trainer(
      session: session, evaluator: run.evaluator, dataset: SmallRun.train, settings: settings
    ) { state in try folder.write(run.checkpoint(at: state)) }
    guard case .stopped(let state) = try trainer.run(stop: stop, onEvent: records.handle) else {
      return trainer.state
    }
    return state
  }
}
