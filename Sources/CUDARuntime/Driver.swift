internal import CCUDA
internal import DeviceRuntime
internal import Glibc
internal import Synchronization

/// CUDA's driver and NVRTC, loaded once a process.
///
/// Sendable: the functions never change, and CUDA's calls are thread-safe.
@safe
final class Driver: @unchecked Sendable {
  let functions: isometry_cuda
  let compiler: Compiler
  /// The version of CUDA that the driver has, 1000 major + 10 minor.
  let version: Int

  /// The name by which the loader finds the driver.
  static let library = "libcuda.so.1"
  private static let known = Mutex<Driver?>(nil)

  /// The driver, started; later calls give the same.
  ///
  /// - Parameter nvrtc: the path of NVRTC's library; nil to look where it is usually installed.
  /// - Throws: `CUDAUnavailable` with what is missing; `CUDAError` if the driver does not start.
  static func loaded(nvrtc: String?) throws -> Driver {
    try known.withLock { known in
      if let known { return known }
      let driver = try Driver(nvrtc: nvrtc)
      known = driver
      return driver
    }
  }

  private init(nvrtc: String?) throws {
    var functions = isometry_cuda()
    if let reason = unsafe isometry_cuda_load(Self.library, &functions) {
      throw CUDAUnavailable(
        description: "CUDA's driver does not load (\(unsafe String(cString: reason))); "
          + "install NVIDIA's driver, or give the container the GPU", isDriverThere: false)
    }
    self.functions = functions
    compiler = try Compiler(path: nvrtc)
    var version: Int32 = 0
    _ = unsafe functions.driver_version(&version)
    self.version = Int(version)
    try check(functions.start(0), "cuInit")
    guard self.version >= compiler.version else {
      throw CUDAUnavailable(
        description: "the driver has CUDA \(Self.text(self.version)) and cannot read the output of "
          + "NVRTC \(Self.text(compiler.version)) (\(compiler.path)). Install a newer driver, or "
          + "set ISOMETRY_NVRTC to an NVRTC of CUDA \(Self.text(self.version))", isDriverThere: true
      )
    }
  }

  /// "13.0"
  static func text(_ version: Int) -> String { "\(version / 1000).\(version % 1000 / 10)" }
}
