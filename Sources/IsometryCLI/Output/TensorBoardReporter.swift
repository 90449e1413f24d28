import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryNN
import IsometrySpectra
import IsometryTensorBoard
import IsometryTraining

/// Writes the progress of a run to an event file for TensorBoard in the run's folder.
final class TensorBoardReporter {
  /// The shortest time between two points within an epoch, in seconds.
  private static let pointInterval = 1.0
  private static let (samples, columns) = (32, 8)

  private let file: EventFile
  private let run: TrainingRun
  private let train: ImageDataset
  private let probe: GradientProbe?
  private var lastPoint = ContinuousClock.now
  /// The sums of the epoch at the last point.
  private var summed = (epoch: 0, batch: 0, loss: 0.0, accuracy: 0.0)

  init(
    _ run: TrainingRun, in folder: RunFolder, train: ImageDataset, backend: any Backend
  ) throws {
    self.run = run
    self.train = train
    probe =
      run.configuration.histogramsEvery == nil
      ? nil : try GradientProbe(run, train: train, backend: backend)
    file = try EventFile(in: folder.path, startingAt: run.state.step)
  }

  /// The settings, the graph and some images, and the histograms of the initial weights.
  func start() throws {
    let configuration = run.configuration
    let settings = configuration.settings.map { "| \($0.setting.name) | \($0.value) |" }
    let evaluated = configuration.holdOut == nil ? "test" : "held_out"
    let hyperparameters = Hyperparameters(
      Self.hyperparameters(of: configuration),
      metrics: ["epoch/\(evaluated)_accuracy", "epoch/\(evaluated)_loss", "epoch/train_loss"])
    try file.write(
      hyperparameters.start + [
        .text(
          "configuration", "| setting | value |\n|---|---|\n\(settings.joined(separator: "\n"))"),
        .text("graph", "```\n\(GraphPrinter.text(of: run.session.graph))```"),
        .image("images/train", train.contactSheet(Self.sampleRows(of: train.count))),
      ], step: run.state.step)
    if run.state.step == 0 { try writeHistograms(step: 0) }
  }

  func write(_ progress: TrainingProgress) throws {
    guard (ContinuousClock.now - lastPoint) / .seconds(1) >= Self.pointInterval else { return }
    let loss = progress.loss * Double(progress.batch)
    let accuracy = progress.accuracy * Double(progress.batch)
    if summed.epoch != progress.epoch { summed = (progress.epoch, 0, 0, 0) }
    let batches = Double(progress.batch - summed.batch)
    guard batches > 0 else { return }
    lastPoint = .now
    try file.write(
      [
        .scalar("batch/loss", (loss - summed.loss) / batches),
        .scalar("batch/accuracy", (accuracy - summed.accuracy) / batches),
        .scalar("batch/learning_rate", progress.learningRate),
        .scalar("batch/images_per_second", progress.imagesPerSecond),
      ], step: progress.step)
    summed = (progress.epoch, progress.batch, loss, accuracy)
  }

  func write(_ record: EpochRecord, step: Int) throws {
    let scalars = record.members.compactMap { member -> Summary? in
      guard case .number(let value) = member.value else { return nil }
      return .scalar("epoch/\(member.key)", value)
    }
    try file.write(scalars, step: step)
  }

  /// The numbers of a spectrum as the log has them, and the histogram of log σ².
  func write(_ spectrum: SpectrumReport, step: Int) throws {
    let scalars = spectrum.measuredMembers.compactMap { member -> Summary? in
      guard case .number(let value) = member.value else { return nil }
      return .scalar("spectrum/\(member.key)", value)
    }
    let points = spectrum.result.logarithms
    let count = Double(spectrum.result.summary.count)
    let histogram = Histogram(points.map(\.t), weights: points.map { count * $0.weight })
    try file.write(scalars + [.histogram("spectrum/log_lambda", histogram)], step: step)
  }

  /// The norm and the histogram of each parameter and of its gradient; nothing without
  /// `--histograms-every`.
  func writeHistograms(step: Int) throws {
    guard let probe else { return }
    var summaries: [Summary] = []
    for measured in try probe.measure() {
      for (kind, tensor) in [("weight", measured.parameter), ("gradient", measured.gradient)] {
        guard let numbers = tensor?.doubles else { continue }
        let norm = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
        summaries += [
          .scalar("\(kind)_norm/\(measured.name)", norm),
          .histogram("\(kind)/\(measured.name)", Histogram(numbers)),
        ]
      }
    }
    try file.write(summaries, step: step)
  }

  func end(step: Int, isSuccess: Bool) throws {
    try file.write([Hyperparameters.end(isSuccess: isSuccess)], step: step)
  }

  private static func sampleRows(of count: Int) -> [[Int]] {
    let samples = min(samples, count)
    return stride(from: 0, to: samples, by: columns).map {
      Array($0..<min($0 + columns, samples))
    }
  }

  /// The settings that have a value, under the names of their options.
  private static func hyperparameters(
    of configuration: RunConfiguration
  ) -> [String: Hyperparameters.Setting] {
    var settings: [String: Hyperparameters.Setting] = [:]
    // Of these, none is a value.
    let named: Set<Term> = [.normalization, .augment]
    for (setting, value) in configuration.settings
    where value != "none" || named.contains(setting) {
      let name = (Term.programNames[setting] ?? setting.name).trimmingPrefix("--")
      settings[String(name)] =
        switch value {
        case "on", "off": .flag(value == "on")
        default: Double(value).map { .number($0) } ?? .text(value)
        }
    }
    return settings
  }
}
