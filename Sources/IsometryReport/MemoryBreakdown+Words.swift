package import IsometryGraph

extension MemoryBreakdown {
  /// The uses that have bytes, the largest first, in words.
  package var byUse: [(use: String, byteCount: Int)] {
    MemoryUse.allCases.filter { self[$0] > 0 }.sorted { self[$0] > self[$1] }
      .map { ($0.words, self[$0]) }
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
