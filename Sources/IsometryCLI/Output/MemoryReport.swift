import IsometryFiles
import IsometryGraph

extension MemoryBreakdown {
  /// "1.4 GiB: activations 1.2 GiB, parameters 42.6 MiB, …", the largest use first.
  var line: String {
    let uses = MemoryUse.allCases.filter { self[$0] > 0 }.sorted { self[$0] > self[$1] }
    return "\(Wording.bytes(total)): "
      + uses.map { "\($0.words) \(Wording.bytes(self[$0]))" }.joined(separator: ", ")
  }

  /// Bytes of every use, by its name.
  var json: JSONValue {
    .object(MemoryUse.allCases.map { .init($0.rawValue, .integer(self[$0])) })
  }
}

extension MemoryUse {
  fileprivate var words: String {
    switch self {
    case .parameterCopies: "copies of parameters"
    case .activations: "activations for the backward pass"
    default: rawValue.replacing("_", with: " ")
    }
  }
}
