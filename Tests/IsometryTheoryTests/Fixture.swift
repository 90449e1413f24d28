import Foundation
import IsometryTheory
import Testing

/// A file of Fixtures, which a script of scripts/reference writes.
enum Fixture {
  static func load<Contents: Decodable>(_ name: String, as _: Contents.Type) throws -> Contents {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/\(name).json"))
    return try JSONDecoder().decode(Contents.self, from: data)
  }
}

/// Records an issue where the two differ by more than `relative` of what is expected.
func expectClose(
  _ value: Double, _ expected: Double, relative: Double, absolute: Double = 0,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  // Written so that NaN fails.
  let isClose = abs(value - expected) <= relative * abs(expected) + absolute
  #expect(isClose, "\(comment()) \(value), expected \(expected)", sourceLocation: sourceLocation)
}
