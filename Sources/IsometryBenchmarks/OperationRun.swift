import IsometryCore
import IsometryGraph

/// An operation in a session of its own, with random operands, for the times of its launches.
final class OperationRun {
  let session: any ProfilingSession
  private let launches: Set<Int>
  private let slot: any StagingSlot

  /// nil for an operation that needs no launch.
  ///
  /// - Parameter other: a run of the same operation whose variables the session shares; nil where the
  ///   session has its own.
  /// - Throws: `UnprofiledSession`, and what the session throws.
  init?(
    _ operation: SingleOperation, _ session: any Session, sharing other: OperationRun? = nil
  ) throws {
    let session = try UnprofiledSession.require(session)
    self.session = session
    launches = Set(
      session.report.launches.indices.filter { !Self.changesLayout(session.report.launches[$0]) })
    guard !launches.isEmpty else { return nil }
    slot = try session.makeStagingSlots(1)[0]
    if other == nil { try operation.writeVariables(to: session) }
    operation.writeInputs(to: slot)
  }

  /// Of each of so many steps, run without waiting in between, the commands that compute.
  func run(_ steps: Int) throws -> [[TimedCommand]] {
    let times = try (0..<steps).map { _ in try session.profiledStep(from: slot) }
    try session.synchronize()
    return try times.map { time in
      try time().filter { $0.launch.map(launches.contains) ?? false }
    }
  }

  /// What the last step came to, output by output.
  func results() throws -> [[Double]] {
    try session.graph.outputs.map { try session.read(output: $0.name).doubles }
  }

  /// Whether a launch only puts an operand into another layout. A step shares those between
  /// operations, so that they belong to none.
  private static func changesLayout(_ launch: String) -> Bool {
    launch == "reorder" || launch.hasPrefix("permute ") || launch.hasPrefix("prepare ")
  }
}

extension [TimedCommand] {
  /// Of all together.
  var seconds: Double { map(\.seconds).reduce(0, +) }
}
