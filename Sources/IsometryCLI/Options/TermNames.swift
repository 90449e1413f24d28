import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReproductions
import IsometrySpectra
import IsometryTraining

extension Term {
  /// This program's names: options, variables of the environment and commands.
  static let programNames: [Term: String] = [
    .model: "--model",
    .normalization: "--normalization",
    .skip: "--skip",
    .skipWeight: "--skip-weight",
    .initializer: "--init",
    .activation: "--activation",
    .epochs: "--epochs",
    .batch: "--batch",
    .schedule: "--schedule",
    .learningRate: "--lr",
    .warmup: "--warmup",
    .peak: "--peak",
    .milestones: "--milestones",
    .gamma: "--gamma",
    .optimizer: "--optimizer",
    .momentum: "--momentum",
    .nesterov: "--nesterov",
    .withoutNesterov: "--no-nesterov",
    .weightDecay: "--weight-decay",
    .labelSmoothing: "--label-smoothing",
    .clipNorm: "--clip-norm",
    .augment: "--augment",
    .cutout: "--cutout",
    .precision: "--precision",
    .seed: "--seed",
    .device: "--device",
    .gemm: "--gemm",
    .recompute: "--recompute",
    .data: "--data",
    .limitTrain: "--limit-train",
    .limitTest: "--limit-test",
    .spectrumEvery: "--spectrum-every",
    .folder: "--output",
    .resumption: "--resume",
    .scale: "--scale",
    .seeds: "--seeds",
    .sectionStart: "--from",
    .sectionEnd: "--output",
    .environmentData: "$ISOMETRY_DATA",
    .validation: "ISOMETRY_VALIDATE",
    .download: "isometry dataset fetch",
  ]
}

extension Explanation {
  /// The text with this program's names.
  var inProgramTerms: String { text { Term.programNames[$0] } }
}

/// An option or a variable of the environment that is not legal, or not with the others.
struct UsageError: Error, Equatable, CustomStringConvertible {
  /// The option with its dashes, or the variable.
  let name: String
  /// What is wrong and what would be right; it follows the name in the message.
  let reason: String

  init(_ name: String, _ reason: String) {
    self.name = name
    self.reason = reason
  }

  /// A run's recorded word that this program does not know.
  init(_ name: String, recorded word: String, known: [String]) {
    self.init(
      name,
      "was recorded as \(word), which is none of \(known.joined(separator: ", ")); name one of them"
    )
  }

  /// One line that begins with the name.
  var description: String { "\(name) \(reason)" }
}

/// The text of an error with this program's names.
func errorText(of error: any Error) -> String {
  (error as? any ExplainedError)?.explanation.inProgramTerms ?? "\(error)"
}
