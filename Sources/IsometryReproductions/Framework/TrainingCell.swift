import Foundation
import IsometryData
import IsometryNN
import IsometryTraining

protocol TrainingCell: ExperimentCell {
  /// All of the training but the device and the place of the images.
  var configuration: RunConfiguration { get }
}

extension TrainingCell {
  /// Whether it only serves to choose a learning rate (`RateSearch.trial`).
  var isTrial: Bool { configuration.holdOut != nil }

  /// What names of cells say of a training.
  var suffix: String {
    "lr\(shortNumber(configuration.learningRate))-seed\(configuration.seed)"
      + (isTrial ? "-trial" : "")
  }
}

extension LearningCurve {
  /// The share of test images recognized at the end. A training that diverged recognizes as many as one
  /// that guesses.
  var accuracy: Double { finalAccuracy ?? Chance.accuracy }
}

/// The accuracy of guessing one of the ten classes.
enum Chance {
  static let accuracy = 0.1

  /// The accuracy above which a network has learned something: some standard errors of the count of
  /// right guesses above guessing.
  static func bound(testImages: Int, standardErrors: Double = 5) -> Double {
    accuracy + standardErrors * (accuracy * (1 - accuracy) / Double(testImages)).squareRoot()
  }
}

extension RunConfiguration {
  /// A training at one learning rate, on the images as they are, without normalization, momentum and
  /// weight decay: what experiments start from.
  static func bare(
    model: String, initializer: String, activation: String = "relu", rate: Double, seed: UInt64
  ) -> RunConfiguration {
    var configuration = RunConfiguration(optimizer: .sgd, normalization: .none)
    configuration.model = model
    configuration.initializer = initializer
    configuration.activation = activation
    configuration.schedule = .constant
    configuration.learningRate = rate
    configuration.momentum = 0
    configuration.nesterov = false
    configuration.weightDecay = 0
    configuration.decay = .all
    configuration.augment = []
    configuration.seed = seed
    return configuration
  }

  /// The configuration that trainings share if only their seeds differ.
  var exceptSeed: RunConfiguration {
    var setting = self
    setting.seed = 0
    return setting
  }

  mutating func limit(to budget: TrainingBudget) {
    batch = budget.batch
    epochs = budget.epochs
    limitTrain = budget.trainImages
    limitTest = budget.testImages
  }
}

struct TrainingBudget: Sendable, Equatable {
  /// nil for all.
  let trainImages: Int?
  /// The number of test images or, of a trial, of training images that it holds out.
  let testImages: Int
  let batch: Int
  let epochs: Int

  /// For people: "3 epochs of 5,120 images in batches of 128".
  var trainingWords: String {
    "\(epochs) \(epochs == 1 ? "epoch" : "epochs") of "
      + (trainImages.map { "\($0)" } ?? "all") + " images in batches of \(batch)"
  }

  /// The same with the number of test images.
  var words: String { trainingWords + ", \(testImages) test images" }
}

/// The training of residual networks that compares initializations: SGD with Nesterov momentum,
/// one-cycle, at the best of a grid of learning rates.
struct ResidualRecipe: Sendable, Equatable {
  let search: RateSearch
  /// The largest norm of a step's gradients, to which larger ones are scaled down; nil for none.
  let clipNorm: Double?

  /// For people, a sentence without its full stop.
  var words: String {
    "SGD with Nesterov momentum 0.9, weight decay 5e-4, one-cycle, the best of the largest learning "
      + "rates \(search.words), crop and flip, gradients "
      + (clipNorm.map { "scaled down to norm \(shortNumber($0)) at most" } ?? "as they are")
      + "; \(search.budget.words), \(seedWords(search.seeds))"
  }

  /// The training of a network without its rate, seed and budget. It is nil if the network does not meet
  /// the initializer's conditions.
  func configuration(
    model: String, initializer: String, normalization: NormalizationKind,
    skip: SkipKind = .identity
  ) -> RunConfiguration? {
    var configuration = RunConfiguration(optimizer: .sgd, normalization: normalization)
    configuration.model = model
    configuration.skip = skip
    configuration.initializer = initializer
    configuration.decay = .all
    configuration.clipNorm = clipNorm
    do {
      _ = try configuration.makeNetwork()
    } catch InitializationError.condition {
      return nil
    } catch {
      preconditionFailure("\(initializer) and \(model) exist: \(error)")
    }
    return configuration
  }
}

/// "seed 1", "seeds 1 to 3"
func seedWords(_ seeds: [UInt64]) -> String {
  seeds.count == 1 ? "seed 1" : "seeds 1 to \(seeds.count)"
}

/// "0.05" → "0.05", 1e-3 → "0.001": numbers in names of cells.
func shortNumber(_ value: Double) -> String { String(format: "%.6g", value) }

/// The curves of some trainings in a plot: the mean accuracy over seeds after each step that one of them
/// was measured at, and guessing for those that have diverged before.
func meanCurve(_ outcomes: [LearningCurve]) -> [(x: Double, y: Double)] {
  let steps = Set(outcomes.flatMap { $0.points.map(\.step) }).sorted()
  return steps.map { step in
    let values = outcomes.map { $0.accuracy(afterStep: step) }
    return (x: Double(step), y: values.reduce(0, +) / Double(max(1, values.count)))
  }
}

extension LearningCurve {
  /// As last measured at or before a step; that of guessing before the first measurement, and once the
  /// training has diverged.
  func accuracy(afterStep step: Int) -> Double {
    if let divergedAt, step >= divergedAt { return Chance.accuracy }
    return points.last { $0.step <= step }?.accuracy ?? Chance.accuracy
  }
}

extension [Double] {
  /// Whether a number is the smallest or the largest of these.
  func isEdge(_ number: Double) -> Bool { number == self.min() || number == self.max() }
}

extension Table.Entry {
  static func rate(_ rate: Double?) -> Self { rate.map { .text(shortNumber($0)) } ?? .missing }

  static func answer(_ isSo: Bool?) -> Self { isSo.map { .text($0 ? "yes" : "no") } ?? .missing }
}
