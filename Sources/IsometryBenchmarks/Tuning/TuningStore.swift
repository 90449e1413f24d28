import Foundation
import IsometryFiles
package import IsometryGraph

/// A folder of tuning records, a file for each device, driver and text of the kernels.
package struct TuningStore: Sendable {
  package let folder: String

  package init(folder: String) { self.folder = folder }

  package func path(for key: TileKey) -> String {
    let parts = [key.device, key.driver, key.computeCapability ?? "", key.kernels]
    let name = parts.filter { !$0.isEmpty }.map(Self.plain).joined(separator: "-")
    return "\(folder)/\(name).json"
  }

  /// The record with that key; nil if there is none. A file with another key counts as none.
  ///
  /// - Parameter warn: called with a line for people if the file is damaged. The file is then
  ///   renamed, so that nothing of it is lost.
  package func record(for key: TileKey, warn: (String) -> Void) -> TuningRecord? {
    let path = path(for: key)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let record = try JSONFile.read(TuningRecord.self, from: path)
      return record.key == key ? record : nil
    } catch let error as FileError {
      warn("\(error); kernels have their default tiles")
    } catch {
      let aside = path + ".damaged"
      let isAside = rename(path, aside) == 0
      warn(
        "\(path) is not a record of tuning (\(JSONFile.damage(in: error))), so kernels have their "
          + "default tiles, which are equally correct; "
          + (isAside ? "it is now \(aside), and " : "") + "tuning again makes a new one")
    }
    return nil
  }

  /// Writes a record, which replaces the one with its key. Sites of the old one that another process
  /// has tuned meanwhile stay.
  ///
  /// - Throws: `FileError`.
  package func write(_ record: TuningRecord) throws {
    _ = try MadeFolders(for: folder)
    var record = record
    for site in self.record(for: record.key, warn: { _ in })?.sites ?? []
    where site.tile != nil && record[site.site].tile == nil {
      record[site.site] = site
    }
    try JSONFile.write(record, to: path(for: record.key))
  }

  private static func plain(_ text: String) -> String {
    let characters = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    let words = String(characters).split(separator: "-")
    return String(words.joined(separator: "-").prefix(60))
  }
}
