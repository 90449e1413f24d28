internal import CCUDA
internal import DeviceRuntime
internal import Glibc

/// NVRTC: CUDA C++ to PTX.
///
/// Sendable: the functions never change, and NVRTC compiles programs of different threads side by side.
@safe
final class Compiler: @unchecked Sendable {
  private let functions: isometry_nvrtc
  /// The library that was loaded.
  let path: String
  /// 1000 major + 10 minor.
  let version: Int
  /// The architectures that it compiles for, 10 major + minor.
  let architectures: Set<Int>

  /// - Parameter path: nil to look where NVRTC is usually installed.
  init(path: String?) throws {
    var functions = isometry_nvrtc()
    var failures: [String] = []
    var found: String?
    for path in path.map({ [$0] }) ?? Self.candidates() {
      guard let reason = unsafe isometry_nvrtc_load(path, &functions) else {
        found = path
        break
      }
      failures.append(unsafe String(cString: reason))
    }
    guard let found else {
      throw CUDAUnavailable(
        description: "NVRTC, CUDA's compiler, does not load (\(failures[0])); install it with "
          + "pip install nvidia-cuda-nvrtc, or set ISOMETRY_NVRTC to libnvrtc.so of CUDA's toolkit",
        isDriverThere: true)
    }
    self.path = found
    self.functions = functions
    var (major, minor, count): (Int32, Int32, Int32) = (0, 0, 0)
    _ = unsafe functions.version(&major, &minor)
    version = 1000 * Int(major) + 10 * Int(minor)
    _ = unsafe functions.architecture_count(&count)
    var numbers = [Int32](repeating: 0, count: Int(count))
    _ = unsafe functions.architectures(&numbers)
    architectures = Set(numbers.map(Int.init))
  }

  /// The loader's own names, the folder of CUDA's toolkit, and the wheels of the user's Pythons. A wheel's library
  /// loads another one from its own folder.
  private static func candidates() -> [String] {
    let names = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]
    let toolkits = ["/usr/local/cuda/lib64/libnvrtc.so"]
    var folders = ["/usr/lib/python3*/site-packages", "/usr/lib/python3*/dist-packages"]
    folders += ["/usr/local/lib/python3*/dist-packages", "/usr/local/lib/python3*/site-packages"]
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
      if let folder = unsafe getenv(variable) {
        folders.append("\(unsafe String(cString: folder))/lib/python3*/site-packages")
      }
    }
    if let home = unsafe getenv("HOME") {
      folders.append("\(unsafe String(cString: home))/.local/lib/python3*/site-packages")
    }
    return names + toolkits
      + folders.flatMap { files(matching: "\($0)/nvidia/*/lib/libnvrtc.so.[0-9]*") }
  }

  private static func files(matching pattern: String) -> [String] {
    var found = unsafe glob_t()
    defer { unsafe globfree(&found) }
    guard unsafe glob(pattern, 0, nil, &found) == 0 else { return [] }
    return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
      unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
    }.filter { !$0.contains(".alt") }
  }

  /// PTX of a program.
  ///
  /// - Parameter options: with spaces between them.
  /// - Throws: `KernelBuildError` with the compiler's log.
  func ptx(name: String, source: String, options: String) throws -> [UInt8] {
    var program: nvrtcProgram?
    try require(
      unsafe functions.create(&program, source, "\(name).cu", 0, nil, nil), name, options)
    defer { _ = unsafe functions.destroy(&program) }
    let words = unsafe options.split(separator: " ").map { unsafe strdup(String($0)) }
    defer {
      for index in unsafe words.indices { unsafe free(words[index]) }
    }
    let pointers = unsafe words.map { unsafe UnsafePointer($0) }
    let status = unsafe functions.compile(program, Int32(pointers.count), pointers)
    if status == Int32(ISOMETRY_NVRTC_COMPILATION) {
      let log = unsafe text {
        unsafe functions.log_size(program, $0)
      } bytes: {
        unsafe functions.log(program, $0)
      }
      throw KernelBuildError(
        kernel: name, defines: options, log: String(decoding: log, as: UTF8.self))
    }
    try require(status, name, options)
    return unsafe text {
      unsafe functions.ptx_size(program, $0)
    } bytes: {
      unsafe functions.ptx(program, $0)
    }
  }

  /// The bytes of a text, without the zero behind it.
  private func text(
    _ size: (UnsafeMutablePointer<Int>) -> nvrtcResult,
    bytes: (UnsafeMutablePointer<CChar>) -> nvrtcResult
  ) -> [UInt8] {
    var count = 0
    _ = unsafe size(&count)
    var text = [CChar](repeating: 0, count: count)
    _ = unsafe text.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.map { unsafe bytes($0) }
    }
    return text.dropLast().map { UInt8(bitPattern: $0) }
  }

  private func require(_ status: nvrtcResult, _ name: String, _ options: String) throws {
    guard status != 0 else { return }
    throw KernelBuildError(
      kernel: name, defines: options, log: "NVRTC fails with status \(status)")
  }
}
