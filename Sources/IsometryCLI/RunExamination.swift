import IsometryBenchmarks
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReport
import IsometrySpectra
import IsometryTraining

/// Measures what a report shows of a run beside its log, from its newest whole checkpoint.
struct RunExamination {
  /// Worst mistakes on a page.
  private static let mistakes = 24
  /// Inputs whose statistics Batch Normalization has at the initial weights.
  private static let normalizationImages = 64
  /// Steps before those that are timed, and those.
  private static let (warmupSteps, timedSteps) = (2, 3)

  private let record: RunRecord
  private let path: String
  private let checkpoint: Checkpoint
  private let configuration: RunConfiguration
  private let train: ImageDataset
  private let test: ImageDataset
  private let backend: any Backend
  private let console: Console

  /// - Parameter configuration: the run's, for the device that measures.
  init(
    _ record: RunRecord, _ configuration: RunConfiguration, of source: DatasetSource,
    on backend: any Backend, _ console: Console
  ) throws {
    self.record = record
    let network = try TrainedNetwork(record.path, console)
    (path, checkpoint) = (network.path, network.checkpoint)
    self.configuration = configuration
    let train = try LoadedSplit(.train, of: source, limit: configuration.limitTrain).images
    let test = try LoadedSplit(.test, of: source, limit: configuration.limitTest).images
    (self.train, self.test) = try configuration.datasets(train: train, test: test)
    self.backend = backend
    self.console = console
  }

  /// The run with all parts that can be measured. The others say why they cannot.
  func measure() -> ReportedRun {
    ReportedRun(
      record, evaluation: part("classifying images", evaluation),
      initialSpectrum: part("measuring the singular values before training", initialSpectrum),
      trainedSpectrum: part("measuring the singular values after training", trainedSpectrum),
      memory: part("planning a step") {
        try ThroughputBenchmark().plan(configuration, backend: backend).memory
      }, times: part("timing a step", times))
  }

  private func part<Value: Sendable>(_ status: String, _ measure: () throws -> Value) -> Part<Value>
  {
    console.showStatus("\(status) of \(path)")
    defer { console.clearStatus() }
    do {
      return .present(try measure())
    } catch {
      return .leftOut(errorText(of: error))
    }
  }

  private func evaluation() throws -> ReportedRun.Evaluation {
    let evaluator = try Evaluator(
      checkpoint, configuration, path: path, dataset: test, backend: backend)
    guard let (result, images) = try evaluator.evaluateImages() else { throw CancellationError() }
    guard result.loss.isFinite else {
      throw TrainingError.nonFiniteCheckpoint(path: path, quantity: "the loss")
    }
    let worst = images.filter { $0.label != $0.predicted }
      .sorted { ($0.labelProbability, $0.index) < ($1.labelProbability, $1.index) }
    let mistakes = worst.prefix(Self.mistakes).map { image in
      ReportedRun.Mistake(
        test.picture(image.index), label: test.classNames[image.label],
        predicted: test.classNames[image.predicted], labelProbability: image.labelProbability,
        predictedProbability: image.predictedProbability)
    }
    return ReportedRun.Evaluation(
      result, ConfusionMatrix(classNames: test.classNames, images), mistakes: mistakes,
      epoch: checkpoint.state.epoch)
  }

  private func initialSpectrum() throws -> SpectrumStudy.Result {
    var study = try SpectrumMonitor.makeStudy(configuration, test: test)
    if configuration.normalization == .batch {
      study.normalizationImages = try InputArguments.heldOut(
        min(Self.normalizationImages, test.count), of: test, seed: configuration.seed)
    }
    return try study.run(
      initializer: configuration.makeInitializer(from: train, on: DeviceSelection.measuring),
      seeds: [configuration.seed], on: backend)
  }

  private func trainedSpectrum() throws -> SpectrumStudy.Result {
    let study = try SpectrumMonitor.makeStudy(configuration, test: test)
    var configuration = configuration
    configuration.precision = .fp32
    let session = try checkpoint.makeEvaluationSession(
      configuration, batch: 1, normalizing: test.normalization, on: backend, path: path)
    return try study.run(with: study.makeOperator(on: backend, sharing: session))
  }

  private func times() throws -> [ReportedRun.OperationTime] {
    var benchmark = ThroughputBenchmark()
    benchmark.warmupSteps = Self.warmupSteps
    (benchmark.steps, benchmark.repeats, benchmark.profiledSteps) = (1, 1, Self.timedSteps)
    let timeline = try benchmark.run(configuration, backend: backend).timeline
    return (timeline?.kinds ?? []).map { kind in
      ReportedRun.OperationTime(
        kind.name, launches: kind.launchesPerStep, seconds: kind.secondsPerStep, share: kind.share)
    }
  }
}
