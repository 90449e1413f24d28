import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReproductions
import IsometrySpectra
import IsometryTraining

extension Term {
  static let programNames: [Term: String] = {
    // Some options of `isometry train` have other names than their settings.
    var names: [Term: String] = [
      .learningRate: "--lr", .initializer: "--init", .groups: "--group",
      .withoutNesterov: "--no-nesterov",
      .folder: "--output", .resumption: "--resume",
      .importing: "isometry import", .scale: "--scale", .seeds: "--seeds",
      .sectionStart: "--from", .sectionEnd: "--to", .environmentData: "$ISOMETRY_DATA",
      .validation: "ISOMETRY_VALIDATE", .download: "isometry dataset fetch",
    ]
    for (setting, _) in RunConfiguration.defaults.settings where names[setting] == nil {
      names[setting] = "--" + setting.name.replacing(/[A-Z]/) { "-" + $0.output.lowercased() }
    }
    return names
  }()
}

extension Explanation {
  var inProgramTerms: String { text { Term.programNames[$0] } }
}

/// An option or a variable of the environment that is not legal, or not with the others.
struct UsageError: Error, Equatable, CustomStringConvertible {
  /// The option with its dashes, or the variable.
  let name: String
  /// The error and the remedy; it follows the name in the message.
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

  var description: String { "\(name) \(reason)" }
}

func errorText(of error: any Error) -> String {
  (error as? any ExplainedError)?.explanation.inProgramTerms ?? "\(error)"
}
