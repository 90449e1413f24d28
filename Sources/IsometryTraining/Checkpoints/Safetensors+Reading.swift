import Foundation
import IsometryCore
import IsometryFiles

extension Safetensors {
  /// Reads a file and checks every field of its header.
  ///
  /// - Parameter isSkipped: whether the tensor of a name is left out. Such a tensor may have a type that
  ///   the engine does not have.
  /// - Throws: `FileError` if the system refuses; `CheckpointError` if the file is damaged, or
  ///   holds a type that the engine does not have.
  public init(
    contentsOf path: String, skipping isSkipped: (String) -> Bool = { _ in false }
  ) throws {
    let bytes = try WholeFile.read(path)
    try self.init(bytes: bytes, path: path, skipping: isSkipped)
  }

  /// - Parameter path: the path in errors.
  init(
    bytes: [UInt8], path: String, skipping isSkipped: (String) -> Bool = { _ in false }
  ) throws(CheckpointError) {
    func fail(_ expected: String, _ found: String) -> CheckpointError {
      CheckpointError(path: path, expected: "\(expected)", found: found)
    }
    guard bytes.count >= 8 else {
      throw fail("8 bytes with the length of a safetensors header", "\(bytes.count)")
    }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
    let limit = min(bytes.count - 8, Self.longestHeader)
    guard length <= UInt64(limit) else {
      throw fail("a safetensors header of at most \(limit) bytes", "a length of \(length)")
    }
    let start = 8 + Int(length)
    let header = Data(bytes[8..<start])
    guard header.first == UInt8(ascii: "{") else {
      throw fail("a safetensors header that begins with {", "something else")
    }
    let entries: [String: HeaderEntry]
    do {
      entries = try JSONDecoder().decode([String: HeaderEntry].self, from: header)
    } catch {
      throw fail("a safetensors header in JSON", JSONFile.damage(in: error))
    }

    self.init()
    var fields: [(name: String, field: TensorField)] = []
    for (name, entry) in entries {
      switch entry {
      case .metadata(let table):
        guard name == Self.metadataKey else {
          throw fail("a type, a shape and offsets for \(name)", "a table of text")
        }
        metadata = table
      case .tensor(let field):
        guard name != Self.metadataKey else {
          throw fail("a table of text as \(name)", "a tensor")
        }
        guard field.offsets.count == 2 else {
          throw fail("a pair of offsets for \(name)", "\(field.offsets): an entry of another form")
        }
        fields.append((name, field))
      }
    }
    fields.sort { ($0.field.begin, $0.field.end) < ($1.field.begin, $1.field.end) }
    var offset = 0
    for (name, field) in fields {
      let type = isSkipped(name) ? nil : try Self.type(of: name, field, path: path)
      guard field.begin == offset else {
        throw fail("\(name) at byte \(offset), right after the tensor before", "\(field.begin)")
      }
      // The difference cannot overflow: both are at least 0, as the line above shows for `begin`.
      guard field.end >= 0,
        type.map({ $0.byteCount == field.end - field.begin }) ?? (field.end >= field.begin)
      else {
        throw fail(
          type.map { "\($0.byteCount) bytes for \(name), \($0)" } ?? "a range of bytes for \(name)",
          "\(field.end) − \(field.begin)")
      }
      guard field.end <= bytes.count - start else {
        throw fail(
          "\(field.end) bytes of elements for \(name)",
          "\(bytes.count - start): the file is cut short")
      }
      if let type {
        tensors[name] = HostTensor(
          type, bytes: Array(bytes[start + field.begin..<start + field.end]))
      }
      offset = field.end
    }
    guard start + offset == bytes.count else {
      throw fail("\(offset) bytes of elements", "\(bytes.count - start)")
    }
  }

  private static func type(
    of name: String, _ field: TensorField, path: String
  ) throws(CheckpointError) -> TensorType {
    guard let dtype = types[field.dtype] else {
      throw CheckpointError(
        path: path, expected: "\(name) of type \(types.keys.sorted().joined(separator: ", "))",
        found: field.dtype)
    }
    var byteCount = dtype.byteCount
    for extent in field.shape {
      let (product, overflows) = byteCount.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflows else {
        throw CheckpointError(
          path: path, expected: "positive extents in the shape of \(name)", found: "\(field.shape)")
      }
      byteCount = product
    }
    return TensorType(Shape(field.shape), dtype)
  }
}

/// The header's entry of one name.
private enum HeaderEntry: Decodable {
  case metadata([String: String])
  case tensor(TensorField)

  init(from decoder: any Decoder) throws {
    if let table = try? decoder.singleValueContainer().decode([String: String].self) {
      self = .metadata(table)
    } else {
      self = .tensor(try TensorField(from: decoder))
    }
  }
}

private struct TensorField: Decodable {
  let dtype: String
  let shape: [Int]
  /// The range of bytes, counted from the end of the header.
  let offsets: [Int]

  var begin: Int { offsets[0] }
  var end: Int { offsets[1] }

  enum CodingKeys: String, CodingKey {
    case dtype
    case shape
    case offsets = "data_offsets"
  }
}
