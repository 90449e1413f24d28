import Foundation
import IsometryCore
import IsometryData
import IsometryTraining

/// JSON files that appear whole or not at all.
enum RecordFile {
  static func encode(_ value: some Encodable, isPretty: Bool) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    // A measurement may be infinite or no number; JSON has neither.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return [UInt8](try encoder.encode(value))
  }

  static func write(_ value: some Encodable, to path: String) throws {
    try WholeFile.write([try encode(value, isPretty: true), Array("\n".utf8)], to: path)
  }

  /// - Parameter remedy: what to do about a damaged file.
  /// - Throws: `FileError` where the system refuses; `ReproductionError.damaged`.
  static func read<Value: Decodable>(
    _ type: Value.Type, from path: String, remedy: Explanation
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let bytes = try WholeFile.read(path)
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch {
      throw ReproductionError.damaged(
        path: path, reason: "this program did not write it", remedy: remedy)
    }
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
