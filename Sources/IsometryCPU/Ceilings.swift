internal import CVectorLoops
package import IsometryCore
package import IsometryGraph

extension CPUBackend: CeilingBackend {
  /// bf16 is counted if AVX-512 has an instruction for it, else what fp32 reaches.
  package func measureCeilings(_ precision: DType) throws -> DeviceCeilings {
    try requireSupport(for: precision)
    return DeviceCeilings(
      bytesPerSecond: Self.copyRate(),
      operationsPerSecond: [6, 12].map { Self.multiplyAddRate(precision, chains: $0) }.max() ?? 0)
  }

  /// Timings of each ceiling, of which the best counts. The first wakes the threads.
  private static let repeats = 6

  /// Bytes read and written a second, by all threads together.
  private static func copyRate() -> Double {
    let byteCount = 128 << 20  // more than caches hold
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * byteCount, alignment: 4096)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 1, count: 2 * byteCount)
    let pages = byteCount / 4096
    let seconds = leastSeconds(of: repeats) {
      ThreadTeam.run(pages) { part in
        (memory + byteCount + part.lowerBound * 4096).copyMemory(
          from: memory + part.lowerBound * 4096, byteCount: part.count * 4096)
      }
    }
    return Double(2 * byteCount) / seconds
  }

  /// Operations a second of all threads together.
  private static func multiplyAddRate(_ precision: DType, chains: Int32) -> Double {
    let rounds: Int64 = 1 << 20  // some milliseconds
    let seconds = leastSeconds(of: repeats) {
      ThreadTeam.run(ThreadTeam.threadCount) { threads in
        for _ in threads { _ = vl_multiply_add(precision.loops, chains, rounds) }
      }
    }
    let perThread = Double(vl_multiply_add_operations(precision.loops, chains)) * Double(rounds)
    return perThread * Double(ThreadTeam.threadCount) / seconds
  }
}
