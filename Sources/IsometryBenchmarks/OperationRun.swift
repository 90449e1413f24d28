import IsometryCore
import IsometryGraph

/// An operation in a separate session, with random operands, to time its launches.
final class OperationRun {
  let session: any ProfilingSession
  private let launches: Set<Int>
  private let slot: any StagingSlot

  /// nil for an operation that needs no launch.
  ///
  /// - Parameter other: a run of the same operation whose variables the session shares, or nil.
  /// - Throws: `UnprofiledSession`, and errors of the session.
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

  /// Runs `steps` steps without waiting in between, and returns the commands of each that compute.
  func run(_ steps: Int) throws -> [[TimedCommand]] {
    let times = try (0..<steps).map { _ in try session.profiledStep(from: slot) }
    try session.synchronize()
    return try times.map { time in
      try time().filter { $0.launch.map(launches.contains) ?? false }
    }
  }

  /// The results of the last step, output by output.
  func results() throws -> [[Double]] {
    try session.graph.outputs.map { try session.read(output: $0.name).doubles }
  }

  /// Whether a launch only converts an operand to another layout. Operations of a step share such
  /// launches, so these belong to no operation.
  private static func changesLayout(_ launch: String) -> Bool {
    launch == "reorder" || launch.hasPrefix("permute ") || launch.hasPrefix("prepare ")
  }
}

extension [TimedCommand] {
  /// The sum over all commands.
  var seconds: Double { map(\.seconds).reduce(0, +) }
}
