internal import DeviceRuntime
internal import Foundation
public import IsometryOpenCL
internal import OpenCLRuntime

extension OpenCLOptions {
  /// Options of tests, which keep no programs.
  ///
  /// Where every device is a CPU, the driver leaves kernels unoptimized: it compiles most of them for
  /// longer than they run. `ISOMETRY_SLOW_TESTS=1` optimizes them, as other devices always do.
  /// Launches are those of a device with 128 compute units, whatever the machine has.
  /// `ISOMETRY_KERNEL_DIR` names a folder of kernels that replace the built-in ones.
  public static func forTests(
    gemmProvider: GemmProvider = .own, matrixUnits: MatrixUnitUse = .auto
  ) -> OpenCLOptions {
    var options = OpenCLOptions(gemmProvider: gemmProvider, matrixUnits: matrixUnits)
    options.optimizesKernels = isOptimizing
    options.computeUnits = 128
    options.kernelDirectory = ProcessInfo.processInfo.environment["ISOMETRY_KERNEL_DIR"]
    return options
  }
}

private let isOptimizing =
  ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] != nil
  || ((try? Device.all()) ?? []).contains { $0.kind != .cpu }
