package import DeviceRuntime
import IsometryCore
package import OpenCLRuntime

/// The budget of a measurement.
package struct Effort: Sendable {
  /// The target duration of a timed piece of work, in seconds.
  package let seconds: Double
  /// The number of timings of each piece. The shortest one counts.
  package let repeats: Int
  /// The largest buffer, in bytes.
  package let byteCount: Int

  package static let full = Effort(seconds: 0.1, repeats: 10, byteCount: 1 << 30)
  /// For tests and a first look.
  package static let quick = Effort(seconds: 0.005, repeats: 2, byteCount: 8 << 20)
  /// For a benchmark that needs the ceilings before it begins.
  package static let brief = Effort(seconds: 0.02, repeats: 5, byteCount: 256 << 20)
}

/// A device with a fresh context for each measurement, so that a broken context affects no other.
package struct Bench {
  package let context: Context
  /// An in-order queue with event times.
  package let queue: CommandQueue
  package let effort: Effort

  package init(_ device: Device, effort: Effort) throws {
    context = try Context(device)
    queue = try CommandQueue(context, profiling: true)
    self.effort = effort
  }

  package var device: Device { context.device }

  /// The size of a buffer, of which a measurement needs a few: a fraction of the device's memory.
  package var byteCount: Int {
    let share = min(device.maximumBufferByteCount, device.globalMemoryByteCount / 16)
    // A smaller buffer saturates a CPU's memory.
    let limit = device.kind == .cpu ? min(effort.byteCount, 128 << 20) : effort.byteCount
    return min(share, limit) & ~4095
  }

  package func program(
    _ file: ProbeFile, defines: [(String, Int)] = [], options: String = ""
  ) throws -> Program {
    let defines = defines.map { "-D\($0.0)=\($0.1)" }
    return try Program(
      context, name: file.rawValue, source: file.source,
      options: (["-cl-std=CL1.2"] + defines + (options.isEmpty ? [] : [options]))
        .joined(separator: " "))
  }

  /// A kernel of one file under kernels/probe/, with its first arguments.
  package func kernel(
    _ name: String, of file: ProbeFile, defines: [(String, Int)] = [], _ buffers: Buffer...
  ) throws -> Kernel {
    let kernel = try program(file, defines: defines).makeKernel(name)
    for (index, buffer) in buffers.enumerated() { try kernel.set(index, buffer) }
    return kernel
  }

  /// A kernel that saturates the arithmetic units, for groups of 256. Argument 3 is the number of
  /// rounds of x = x/2 + 1.
  package func multiplyAddKernel(chains: Int, lanes: Int, sums: Buffer) throws -> Kernel {
    let kernel = try kernel(
      "probe_multiply_add", of: .ceilings, defines: [("CHAINS", chains), ("LANES", lanes)], sums)
    try kernel.set(1, Float(0.5))
    try kernel.set(2, Float(1))
    return kernel
  }

  /// The shortest device time of some launches of a kernel, in seconds.
  package func deviceSeconds(
    _ kernel: Kernel, _ geometry: LaunchGeometry, launches: Int
  ) throws -> Double {
    try (0..<launches).map { _ in
      let event = try queue.timedLaunch(kernel, geometry)
      try event.wait()
      return try event.duration
    }.min() ?? .infinity
  }

  /// The shortest wall time of `body`, in seconds. `body` waits for the commands that it enqueues.
  package func wallSeconds(_ body: () throws -> Void) throws -> Double {
    try leastSeconds(of: effort.repeats, body)
  }

  /// The number of rounds in which a kernel takes about `seconds`, and the shortest device time of that
  /// number. `argument` is the kernel's number of rounds.
  package func scaled(
    _ kernel: Kernel, _ geometry: LaunchGeometry, rounds argument: Int, to seconds: Double
  ) throws -> (rounds: UInt32, seconds: Double) {
    var rounds: UInt32 = 64
    while true {
      try kernel.set(argument, rounds)
      let taken = try deviceSeconds(kernel, geometry, launches: 1)
      if taken >= seconds / 2 || rounds >= 1 << 24 { break }
      let factor = taken > 0 ? seconds / taken : 16
      rounds = UInt32(min(Double(rounds) * min(max(factor, 1.5), 16), Double(1 << 24)))
    }
    return (rounds, try deviceSeconds(kernel, geometry, launches: effort.repeats))
  }
}
