import DeviceRuntime
import Glibc
import OpenCLRuntime
import Testing

@Suite(.enabled(if: anyDevice() != nil, "no OpenCL device on this machine"))
struct ProgramCacheTests {
  let context: Context
  let directory: String

  init() throws {
    context = try Context(#require(anyDevice()))
    var template = Array("/tmp/isometry-cache-XXXXXX".utf8CString)
    directory = try #require(mkdtemp(&template).map { String(cString: $0) }) + "/a/b"
  }

  private func source(_ number: Int) -> String {
    "kernel void answer(global int *x) { x[0] = \(number) + EXTRA; }"
  }

  private func answer(_ number: Int, extra: Int = 0) throws -> Int32 {
    let program = try ProgramCache(directory: directory).program(
      context, name: "answer", source: source(number), options: "-DEXTRA=\(extra)")
    let kernel = try #require(try program.kernel("answer") as? Kernel)
    let buffer = try Buffer(context, byteCount: 4)
    let queue = try CommandQueue(context)
    try kernel.set(0, buffer)
    try queue.launch(kernel, LaunchGeometry(covering: 1, by: 1))
    return try queue.download(buffer, count: 1, of: Int32(0))[0]
  }

  private var entries: [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append("\(directory)/\(name)") }
    }
    return names.sorted()
  }

  @Test func oneEntryForEachSourceAndOptions() throws {
    #expect(try answer(41) == 41)
    #expect(try answer(41) == 41)
    #expect(entries.count == 1)
    #expect(try answer(41, extra: 1) == 42)
    #expect(try answer(7) == 7)
    #expect(entries.count == 3)
    #expect(entries.allSatisfy { $0.hasSuffix(".clbin") })
  }

  @Test func remarksAreKeptForOneSource() throws {
    let cache = ProgramCache(directory: directory)
    func remark(_ number: Int, _ options: String = "") -> String? {
      cache.remark(context, name: "answer", source: source(number), options: options)
    }
    #expect(remark(1) == nil)
    #expect(cache.record("too slow", context, name: "answer", source: source(1), options: ""))
    #expect(remark(1) == "too slow")
    #expect(remark(2) == nil && remark(1, "-DEXTRA=1") == nil)
    let none = ProgramCache(directory: nil)
    #expect(!none.record("x", context, name: "answer", source: source(1), options: ""))
  }

  @Test(arguments: [0, 10, 200, 100_000])
  func damagedEntriesAreRebuilt(position: Int) throws {
    #expect(try answer(5) == 5)
    let path = try #require(entries.first)
    let file = try #require(fopen(path, "r+"))
    fseek(file, 0, SEEK_END)
    let size = ftell(file)
    if position < size {
      fseek(file, position, SEEK_SET)
      let byte = fgetc(file)
      fseek(file, position, SEEK_SET)
      fputc(byte ^ 0x55, file)
    } else {
      ftruncate(fileno(file), size / 2)
    }
    fclose(file)
    #expect(try answer(5) == 5)
    // Whole again: the head is back, and the size is not the truncated one (the driver's binary
    // itself may differ from build to build).
    let repaired = try #require(fopen(path, "r"))
    #expect(fgetc(repaired) == Int32(UInt8(ascii: "i")))
    fseek(repaired, 0, SEEK_END)
    #expect(ftell(repaired) > size / 2)
    fclose(repaired)
  }

  @Test func directoryThatCannotBeMadeOnlyCostsTime() throws {
    let program = try ProgramCache(directory: "/proc/no-such-place").program(
      context, name: "answer", source: source(1), options: "-DEXTRA=0")
    #expect((program as? Program)?.name == "answer")
  }
}
