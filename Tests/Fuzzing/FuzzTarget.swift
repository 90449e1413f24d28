import IsometryCore
import IsometryFiles

/// A reader of files that other programs may have written or damaged. Whatever they hold, it returns a value
/// or throws an error for people. A value that it returns is the same after it is written and read again.
///
/// scripts/fuzz looks for inputs that end otherwise. FuzzingTests repeat the inputs in Corpus/.
package struct FuzzTarget: Sendable {
  package let name: String
  /// The names of the files into which an input is split.
  private let files: [String]
  private let check: @Sendable (_ folder: String) throws -> Void

  /// Between the files of an input.
  private static let separator: UInt8 = 0x1E

  /// - Parameter check: reads the files in a folder.
  init(
    _ name: String, files: String..., check: @escaping @Sendable (_ folder: String) throws -> Void
  ) {
    self.name = name
    self.files = files
    self.check = check
  }

  /// Gives the reader an input. Only its last file may hold the byte that separates files.
  ///
  /// - Parameter folder: for the files, empty or with those of an earlier input.
  /// - Throws: `FuzzFinding`.
  package func read(_ input: some Collection<UInt8>, in folder: String) throws {
    let pieces = input.split(
      separator: Self.separator, maxSplits: files.count - 1, omittingEmptySubsequences: false)
    for (index, file) in files.enumerated() {
      // The rest of a shorter input is empty files.
      try InputFolder.write(index < pieces.count ? Array(pieces[index]) : [], "\(folder)/\(file)")
    }
    try check(folder)
  }
}

/// The way in which a reader is wrong.
package struct FuzzFinding: Error, CustomStringConvertible {
  package let description: String

  /// Throws unless a value is the same after it was written and read.
  static func requireEqual<Value: Equatable>(_ value: Value, _ again: Value) throws {
    guard value == again else {
      throw FuzzFinding(description: "\(value) is \(again) after it was written and read")
    }
  }
}

/// The value of a reader, or nil if it refuses the input with an error for people.
func accepted<Value>(_ read: () throws -> Value) throws -> Value? {
  do {
    return try read()
  } catch is any ExplainedError {
    return nil
  } catch is FileError {
    return nil
  } catch {
    throw FuzzFinding(description: "the error is not for people: \(error)")
  }
}
