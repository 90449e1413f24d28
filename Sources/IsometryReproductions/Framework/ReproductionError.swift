/// Why a reproduction cannot start or go on.
package enum ReproductionError: Error, Equatable {
  case unknownExperiment(String)
  /// The folder holds a reproduction whose `option` is `recorded`.
  case otherConfiguration(path: String, option: String, recorded: String, wanted: String)
  /// The folder holds the same experiment as a program of another version divided it into cells.
  case otherGrid(path: String)
  /// The folder holds something else.
  case foreignFolder(path: String)
  /// A file of the folder cannot be read.
  case damaged(path: String, reason: String, remedy: String)
}

extension ReproductionError: CustomStringConvertible {
  /// One line that says what to do.
  package var description: String {
    switch self {
    case .unknownExperiment(let name):
      "there is no experiment \(name); the experiments are "
        + ExperimentRegistry.names.joined(separator: ", ")
    case .otherConfiguration(let path, let option, let recorded, let wanted):
      "\(path) holds a reproduction with \(option) \(recorded), not \(wanted); take that to go on "
        + "with it, or name another --out"
    case .otherGrid(let path):
      "\(path) holds a reproduction of another version of this program, which measures other cells; "
        + "name another --out"
    case .foreignFolder(let path):
      "\(path) is no folder, or one with files that are no reproduction's; name another --out"
    case .damaged(let path, let reason, let remedy):
      "\(path) cannot be read: \(reason); \(remedy)"
    }
  }
}

/// The laboratory was asked to stop before a cell was finished.
package struct ReproductionStopped: Error {
  package init() {}
}
