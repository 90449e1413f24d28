import DeviceRuntime
import OpenCLRuntime

extension Bench {
  /// Bytes read and written per second by copies within the device's memory, by a kernel and by the
  /// driver. The driver's wall time includes one wait.
  package func copyRates() throws -> (kernel: Double, driver: Double) {
    let source = try Buffer(context, byteCount: byteCount)
    let target = try Buffer(context, byteCount: byteCount)
    try queue.clear(source)
    try queue.clear(target)

    let kernel = try kernel("probe_copy", of: .ceilings, source, target)
    try kernel.set(2, UInt32(byteCount / 16))
    let geometry = LaunchGeometry(covering: byteCount / 16, by: 256)
    let seconds = try deviceSeconds(kernel, geometry, launches: effort.repeats)
    let driverSeconds = try wallSeconds {
      try queue.copy(source, to: target, byteCount: byteCount)
      try queue.finish()
    }
    let bytes = 2 * Double(byteCount)
    return (bytes / seconds, bytes / driverSeconds)
  }

  /// Fused fp32 multiply–adds per second, in several variants.
  ///
  /// - Throws: also `WrongSums` if the device did not do the work.
  package func multiplyAddRates() throws -> [(variant: String, operationsPerSecond: Double)] {
    let groups = device.computeUnits * 32
    let sums = try Buffer(context, byteCount: 4 * 256 * groups)
    let geometry = LaunchGeometry(groups: [groups, 1, 1], local: [256, 1, 1])
    // CPU compilers need explicit vectors; GPUs need few registers.
    return try [(8, 1), (16, 1), (4, 4), (8, 16)].map { chains, lanes in
      let kernel = try multiplyAddKernel(chains: chains, lanes: lanes, sums: sums)
      let (rounds, seconds) = try scaled(kernel, geometry, rounds: 3, to: effort.seconds)
      // x = x/2 + 1 ends at 2 in every chain if the work was done.
      let found = try queue.download(sums, count: 256 * groups, of: Float(0))
      let variant = "\(chains) chains of \(lanes)"
      guard found.allSatisfy({ $0 == Float(2 * chains * lanes) }) else {
        throw WrongSums(variant: variant)
      }
      let operations = 2 * Double(chains * lanes) * Double(rounds) * Double(256 * groups)
      return (variant, operations / seconds)
    }
  }

  /// Operations per second of mma.sync in bf16 with fp32 accumulators, in several variants.
  ///
  /// - Precondition: the device has such tensor cores.
  package func matrixRates() throws -> [(variant: String, operationsPerSecond: Double)] {
    let groups = device.computeUnits * 16
    let fragments = try Buffer(context, byteCount: 4 * 32 * 6)
    // 1.0 in bf16, twice a register.
    try queue.upload([UInt32](repeating: 0x3f80_3f80, count: 32 * 6), to: fragments)
    let sums = try Buffer(context, byteCount: 4 * 256 * groups)
    return try [4, 8, 16].map { tiles in
      let kernel = try kernel(
        "probe_matrix_rate", of: .tensorCores, defines: [("TILES", tiles)], fragments, sums)
      let geometry = LaunchGeometry(groups: [groups, 1, 1], local: [256, 1, 1])
      let (rounds, seconds) = try scaled(kernel, geometry, rounds: 2, to: effort.seconds)
      let operations = 4096 * Double(tiles) * Double(rounds) * Double(8 * groups)
      return ("\(tiles) independent tiles a warp", operations / seconds)
    }
  }
}

package struct WrongSums: Error, CustomStringConvertible {
  let variant: String

  package var description: String { "the sums of \(variant) are wrong" }
}
