package import IsometryCore
import IsometryTraining

/// A reason why a reproduction cannot start or continue.
package enum ReproductionError: ExplainedError, Equatable {
  /// No experiment has that name; `known` are those that exist.
  case unknownExperiment(String, known: [String])
  /// The experiment does not have this scale; `known` are those that it has.
  case missingScale(Scale, of: String, known: [Scale])
  /// The folder holds a reproduction whose setting is `recorded`.
  case otherConfiguration(path: String, setting: Term, recorded: String, wanted: String)
  /// The folder holds the same experiment as a program of another version divided it into cells.
  case otherGrid(path: String)
  /// The folder holds something else.
  case foreignFolder(path: String)
  /// A file of the folder cannot be read.
  case damaged(path: String, reason: String, remedy: Explanation)
}

// What messages about reproductions name.
extension Term {
  package static let experiment = Term("the experiment")
  package static let scale = Term("scale")
  package static let seeds = Term("seeds")
}

extension ReproductionError {
  /// One line that says what to do.
  package var explanation: Explanation {
    switch self {
    case .unknownExperiment(let name, let known):
      "there is no experiment \(name); the experiments are \(known.joined(separator: ", "))"
    case .missingScale(let scale, let name, let known):
      """
      \(name) has no scale \(scale.rawValue); use one of \
      \(known.map(\.rawValue).joined(separator: ", "))
      """
    case .otherConfiguration(let path, let setting, let recorded, let wanted):
      """
      \(path) holds a reproduction with \(setting) \(recorded), not \(wanted); use that to \
      continue it, or name another folder\(hint: .folder)
      """
    case .otherGrid(let path):
      """
      \(path) holds a reproduction of another version of this program, which measures other cells; \
      name another folder\(hint: .folder)
      """
    case .foreignFolder(let path):
      """
      \(path) is not a folder, or holds files that no reproduction wrote; name another \
      folder\(hint: .folder)
      """
    case .damaged(let path, let reason, let remedy):
      "\(path) cannot be read: \(reason); \(remedy)"
    }
  }
}

/// The laboratory was asked to stop before a cell was finished.
package struct ReproductionStopped: Error {
  package init() {}
}
