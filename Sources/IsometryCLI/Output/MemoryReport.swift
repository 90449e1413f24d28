import IsometryFiles
import IsometryGraph

struct MemoryReport {
  private let memory: MemoryBreakdown

  init(_ report: SessionReport) { memory = report.memory }

  /// "1.4 GiB: activations 1.2 GiB, parameters 42.6 MiB, …", the largest use first.
  var line: String {
    let uses = MemoryUse.allCases.filter { memory[$0] > 0 }.sorted { memory[$0] > memory[$1] }
    return "\(Wording.bytes(memory.total)): "
      + uses.map { "\($0.words) \(Wording.bytes(memory[$0]))" }.joined(separator: ", ")
  }

  /// Bytes of every use, by its name.
  var json: JSONValue {
    .object(MemoryUse.allCases.map { .init($0.rawValue, .integer(memory[$0])) })
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
