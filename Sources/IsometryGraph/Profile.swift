package import IsometryCore

/// A session that measures the times of the commands of a step.
package protocol ProfilingSession: Session {
  /// The work of each launch, in the order of the report.
  var launchWork: [LaunchWork] { get }

  /// Starts one step as `step(from:)` does, with the clock running for each of its commands.
  ///
  /// - Returns: a function that returns the times; to be called after the session is synchronized.
  func profiledStep(from slot: any StagingSlot) throws -> () throws -> [TimedCommand]
}

/// The work of one launch of a step, and its kernel.
package struct LaunchWork: Sendable, Hashable {
  /// The position in the graph's nodes of the operation that the launch is part of.
  package let node: Int
  /// The kernel, or the library that computes in its place.
  package let variant: String
  /// All tensors and workspaces that are read or written, each counted once.
  package let byteCount: Int

  package init(node: Int, variant: String, byteCount: Int) {
    self.node = node
    self.variant = variant
    self.byteCount = byteCount
  }
}

/// The times of one command of a step, in seconds of one clock of the device.
package struct TimedCommand: Sendable, Hashable {
  /// Commands of one track wait for each other; tracks run side by side.
  package enum Track: String, Sendable, CaseIterable {
    /// Inputs on their way to the device.
    case transfer
    case compute
  }

  package let name: String
  package let track: Track
  /// The position in the session's report; nil for copies of inputs.
  package let launch: Int?
  package let byteCount: Int
  /// The time at which the host enqueued it; nil if commands run as they are issued.
  package let queued: Double?
  /// The time at which the host handed it to the device; nil if commands run as they are issued.
  package let submitted: Double?
  package let start: Double
  package let end: Double

  package init(
    name: String, track: Track, launch: Int?, byteCount: Int, queued: Double? = nil,
    submitted: Double? = nil, start: Double, end: Double
  ) {
    self.name = name
    self.track = track
    self.launch = launch
    self.byteCount = byteCount
    self.queued = queued
    self.submitted = submitted
    self.start = start
    self.end = end
  }

  package var seconds: Double { end - start }
}

/// The best rates of a device, as measured.
package struct DeviceCeilings: Sendable, Hashable {
  /// Bytes read and written a second by copies within the device's memory.
  package let bytesPerSecond: Double
  /// Operations a second of multiply–adds in registers; a multiply–add counts as two.
  package let operationsPerSecond: Double

  package init(bytesPerSecond: Double, operationsPerSecond: Double) {
    self.bytesPerSecond = bytesPerSecond
    self.operationsPerSecond = operationsPerSecond
  }

  /// The least time that so much work takes: of arithmetic and traffic the one that takes longer.
  package func leastSeconds(operations: Int, bytes: Int) -> Double {
    max(Double(operations) / operationsPerSecond, Double(bytes) / bytesPerSecond)
  }
}

/// A backend that can measure what its device can do at best.
package protocol CeilingBackend: Backend {
  /// Takes about a second.
  ///
  /// - Parameter precision: of the multiply–adds; units for matrices count if the device has them.
  func measureCeilings(_ precision: DType) throws -> DeviceCeilings
}
