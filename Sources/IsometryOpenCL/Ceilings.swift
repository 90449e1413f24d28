internal import GPUProbe
package import IsometryCore
package import IsometryGraph
internal import OpenCLRuntime

/// The ceilings are measured through OpenCL.
struct NoCeilings: Error, CustomStringConvertible {
  let description =
    "the best that a device can do is measured through OpenCL; use --device opencl"
}

extension OpenCLBackend: CeilingBackend {
  /// 16-bit types are counted by tensor cores if the device has them and OpenCL C reaches them,
  /// else by the rate of fp32.
  package func measureCeilings(_ precision: DType) throws -> DeviceCeilings {
    guard let device = device as? Device else { throw NoCeilings() }
    let bench = try Bench(device, effort: .brief)
    var rates = try bench.multiplyAddRates()
    if precision.byteCount == 2, device.withoutTensorCores == nil {
      // A driver that does not take the instructions leaves the arithmetic units.
      rates += (try? bench.matrixRates()) ?? []
    }
    return DeviceCeilings(
      bytesPerSecond: try bench.copyRates().kernel,
      operationsPerSecond: rates.map(\.operationsPerSecond).max() ?? 0)
  }
}
