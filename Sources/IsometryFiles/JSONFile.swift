import Foundation

/// Values as JSON: on one line, or in files that appear whole or not at all.
///
/// Keys are sorted. JSON has no infinities and no NaN; they are the texts `inf`, `-inf` and `nan`.
package enum JSONFile {
  package static func line(_ value: some Encodable) throws -> String {
    String(decoding: try encode(value), as: UTF8.self)
  }

  /// Writes a value, indented.
  package static func write(_ value: some Encodable, to path: String) throws {
    let text = try encode(value, .prettyPrinted)
    try WholeFile.write([[UInt8](text), Array("\n".utf8)], to: path)
  }

  /// The value of a file.
  ///
  /// - Throws: `FileError`; `DecodingError` if the file holds something else.
  package static func read<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value
  {
    try decode(type, from: WholeFile.read(path))
  }

  /// The value of a text.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from text: some Sequence<UInt8>
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(text))
  }

  package static func damage(in error: any Error) -> String {
    guard let error = error as? DecodingError else { return "damage" }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context):
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      return "an entry of another form at \(place.isEmpty ? "the top" : place)"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "an illegal value at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
    case .dataCorrupted: return "damaged text"
    @unknown default: return "damage"
    }
  }

  private static func encode(
    _ value: some Encodable, _ format: JSONEncoder.OutputFormatting = []
  ) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format.union([.sortedKeys, .withoutEscapingSlashes])
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value)
  }
}
