import Glibc

// The functions that libFuzzer's `main` calls (scripts/fuzz). Tests do not call them.

/// The target that the variable FUZZ_TARGET names, and the folder FUZZ_FOLDER for its files.
private let session: (target: FuzzTarget, folder: String) = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    fatalError("FUZZ_TARGET is one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
  }
  guard let folder = getenv("FUZZ_FOLDER") else { fatalError("FUZZ_FOLDER is a folder") }
  return (target, String(cString: folder))
}()

/// Reads one input, and ends the process if the target is wrong.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    try session.target.read(
      UnsafeBufferPointer(start: bytes, count: count), in: session.folder)
  } catch {
    fatalError("\(session.target.name): \(error)")
  }
  return 0
}
