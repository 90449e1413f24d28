internal import GPUProbe
package import IsometryCore
package import IsometryGraph
internal import OpenCLRuntime

extension OpenCLBackend: CeilingBackend {
  /// 16-bit types are counted by tensor cores if the device has them and OpenCL C reaches them,
  /// else by the rate of fp32.
  package func measureCeilings(_ precision: DType) throws -> DeviceCeilings {
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
