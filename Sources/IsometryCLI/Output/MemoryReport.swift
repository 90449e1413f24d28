import IsometryFiles
import IsometryGraph
import IsometryReport

extension MemoryBreakdown {
  /// "1.4 GiB: activations 1.2 GiB, parameters 42.6 MiB, …", the largest use first.
  var line: String {
    "\(Wording.bytes(total)): "
      + byUse.map { "\($0.use) \(Wording.bytes($0.byteCount))" }.joined(separator: ", ")
  }

  /// Bytes of every use, by its name.
  var json: JSONValue {
    .object(MemoryUse.allCases.map { .init($0.rawValue, .integer(self[$0])) })
  }
}
