import Foundation
import IsometryCore
import IsometryFiles
import Testing

@testable import IsometryTraining

@Suite struct SafetensorsTests {
  private static let example = Safetensors(
    metadata: ["format": "pt", "note": "quotes \" and \\ and \u{1} and ∂"],
    tensors: [
      "head.weight": HostTensor([2, 3], [1, 2, 3, -4, .pi, .leastNonzeroMagnitude] as [Float]),
      "body.0/momentum": HostTensor([2], [0.1, -0.2] as [Double], as: .float64),
      "half": HostTensor([3], [1, 2, 3] as [Float], as: .bfloat16),
      "small": HostTensor([1], [0.5] as [Float], as: .float16),
      "bytes": HostTensor(TensorType([3], .uint8), bytes: [1, 2, 255]),
      "counts": HostTensor([2], [-1, 7] as [Int32]),
    ])

  @Test func everyTypeSurvivesAFile() throws {
    try withFolder { folder in
      let path = "\(folder)/a.safetensors"
      try Self.example.write(to: path)
      #expect(try Safetensors(contentsOf: path) == Self.example)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.safetensors"],
        "no temporary file stays")
    }
  }

  @Test func sameTensorsGiveSameBytes() throws {
    try withFolder { folder in
      for name in ["a", "b"] { try Self.example.write(to: "\(folder)/\(name)") }
      #expect(try WholeFile.read("\(folder)/a") == WholeFile.read("\(folder)/b"))
    }
  }

  @Test func elementsAreAligned() throws {
    try withFolder { folder in
      let path = "\(folder)/a.safetensors"
      try Self.example.write(to: path)
      let bytes = try WholeFile.read(path)
      #expect((8 + Int(bytes[0]) + 256 * Int(bytes[1])) % 8 == 0)
      let header = String(decoding: bytes[8...], as: UTF8.self)
      let wide = try #require(header.range(of: "body.0/momentum"))
      let narrow = try #require(header.range(of: "\"bytes\""))
      #expect(wide.lowerBound < narrow.lowerBound)
    }
  }

  @Test func anEmptyFileIsLegal() throws {
    #expect(try Self.read("{}", data: 0) == Safetensors())
    #expect(try Self.read("{}      ", data: 0) == Safetensors())
  }

  /// A header with `data` bytes behind it, and what the error says was found.
  static let damaged: [(header: String, data: Int, found: String)] = [
    ("", 0, "something else"),
    ("[1]", 0, "something else"),
    ("{\"a\":", 0, "damaged text"),
    ("{\"a\":3}", 0, "another form at a"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "another form at a"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "another form"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "another form"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "damaged"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,1e40]}}", 4, "damaged"),
    ("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "I64"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "[-1]"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "[0]"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
      "[4294967296, 4294967296]"
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "4 − 0"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,-4]}}", 4, "-4 − 0"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "-4"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "4"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "cut short"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5, "5"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6, "2"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "0"
    ),
    ("{\"__metadata__\":{\"a\":1}}", 0, "another form"),
    (
      "{\"__metadata__\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a tensor"
    ),
    ("{\"a\":{\"b\":\"c\"}}", 0, "a table of text"),
  ]

  @Test(arguments: damaged)
  func damageIsFound(header: String, data: Int, found: String) throws {
    let error = try #require(throws: CheckpointError.self) {
      try Self.read(header, data: data)
    }
    #expect(error.path == "some/file")
    #expect(error.found.contains(found), "\(error)")
  }

  @Test func wrongLengthsAreFound() throws {
    for bytes: [UInt8] in [
      [], [1, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D],
      [UInt8](repeating: 255, count: 8) + [0x7B, 0x7D],
      [0, 0, 0, 0, 0, 0, 0, 128, 0x7B, 0x7D],
    ] {
      #expect(throws: CheckpointError.self) { try Safetensors(bytes: bytes, path: "some/file") }
    }
  }

  /// Cuts and flips at every place of the header must never crash.
  @Test func anyDamageOfTheHeaderIsSafe() throws {
    try withFolder { folder in
      let path = "\(folder)/a"
      try Self.example.write(to: path)
      let bytes = try WholeFile.read(path)
      for position in bytes.indices {
        var flipped = bytes
        flipped[position] ^= 1 << UInt8(position % 8)
        _ = try? Safetensors(bytes: flipped, path: path)
        #expect(throws: CheckpointError.self) {
          try Safetensors(bytes: Array(bytes[..<position]), path: path)
        }
      }
    }
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    let error = try #require(throws: FileError.self) {
      try Safetensors(contentsOf: "/nowhere/a.safetensors")
    }
    #expect(error.path == "/nowhere/a.safetensors")
    #expect(throws: FileError.self) { try Safetensors(contentsOf: "/") }
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    #expect(throws: FileError.self) { try Self.example.write(to: "/nowhere/a") }
    try withFolder { folder in
      // The target is a folder that is not empty, so the last move fails.
      let path = "\(folder)/taken"
      try FileManager.default.createDirectory(
        atPath: "\(path)/inside", withIntermediateDirectories: true)
      #expect(throws: FileError.self) { try Self.example.write(to: path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
  }

  @discardableResult
  private static func read(_ header: String, data: Int) throws -> Safetensors {
    let text = Array(header.utf8)
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }
    return try Safetensors(
      bytes: length + text + [UInt8](repeating: 0, count: data), path: "some/file")
  }
}
