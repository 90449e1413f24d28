import ArgumentParser

/// - Throws: `ValidationError` for an empty path, as an unset variable of a shell leaves it: joined with
///   the name of a file it would mean the root folder.
func checkPath(_ path: String?, _ option: String) throws(ValidationError) {
  guard path?.isEmpty == true else { return }
  throw ValidationError("\(option) should name a file or folder, not nothing")
}
