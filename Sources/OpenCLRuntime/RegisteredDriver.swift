import Foundation
import Glibc

/// A driver that is registered with the OpenCL loader: a file `*.icd` that names a library.
package struct RegisteredDriver: Sendable, Equatable {
  /// The path of the file.
  package let path: String
  /// The library that the file names; nil if the file cannot be read or is empty.
  package let library: String?
  /// The reason why the library does not load; nil if it loads.
  package let failure: String?

  /// The folder in which the loader looks by default.
  package static let defaultFolder = "/etc/OpenCL/vendors"
  /// The variable that names another folder.
  package static let folderVariable = "OCL_ICD_VENDORS"

  /// The drivers in a folder, in the order of their names; none if it does not exist.
  ///
  /// Each library is loaded, as the loader does, and stays loaded.
  package static func all(in folder: String) -> [RegisteredDriver] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".icd") }.sorted().map {
      RegisteredDriver("\(folder)/\($0)")
    }
  }

  private init(_ path: String) {
    self.path = path
    let text = (try? Data(contentsOf: URL(filePath: path))).map {
      String(decoding: $0, as: UTF8.self)
    }
    let name = text?.split(whereSeparator: \.isNewline).first
      .map { $0.trimmingCharacters(in: .whitespaces) }
    guard let name, !name.isEmpty else {
      library = nil
      failure = text == nil ? "it cannot be read" : "it names no library"
      return
    }
    library = name
    if unsafe dlopen(name, RTLD_LAZY | RTLD_LOCAL) != nil {
      failure = nil
    } else {
      failure = unsafe dlerror().map { unsafe String(cString: $0) } ?? "it does not load"
    }
  }
}
