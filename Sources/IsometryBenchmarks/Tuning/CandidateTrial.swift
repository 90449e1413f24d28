import IsometryCore
package import IsometryGraph
package import IsometryTraining

/// Builds, checks and times tiles in a separate process, because this may crash or hang.
package final class CandidateTrial {
  /// A measurement that the tuner requests: one line of input after the greeting.
  package struct Request: Codable, Equatable, Sendable {
    package let site: TileSite
    package let tile: Tile
    /// The shortest time of timing, in seconds.
    package let seconds: Double
  }

  package enum Answer: Codable, Equatable, Sendable {
    /// The default tile of the call site works; another answer follows.
    case ready
    /// Median times in seconds, and the median of the ratios of successive times.
    case times(tile: Double, preferred: Double, ratio: Double)
    case failure(String)
    case trouble(String)
  }

  private struct Ready {
    let operation: TunedOperation
    let run: OperationRun
    let expected: [[Double]]
    let tolerance: Tolerance
  }

  private let backend: any TunableBackend
  private let operations: [TunedOperation]
  private var ready: Ready?

  package init(_ configuration: RunConfiguration, on backend: any TunableBackend) throws {
    self.backend = backend
    operations = try TunedOperation.all(of: configuration, on: backend)
  }

  /// - Parameter say: called with each answer; the last is not `.ready`.
  package func answer(_ request: Request, say: (Answer) -> Void) {
    let ready: Ready
    do {
      ready = try prepare(request.site)
      say(.ready)
    } catch {
      say(.trouble("\(error)"))
      return
    }
    do {
      say(try measure(request, ready))
    } catch {
      say(.failure("\(error)".split(separator: "\n").first.map(String.init) ?? "an error"))
    }
  }

  private struct UnknownSite: Error, CustomStringConvertible {
    let site: TileSite
    var description: String { "the step has no \(site)" }
  }

  private func prepare(_ site: TileSite) throws -> Ready {
    if let ready, ready.operation.site == site { return ready }
    ready = nil  // before more memory is taken
    guard let operation = operations.first(where: { $0.site == site }),
      let run = try OperationRun(
        operation.operation,
        backend.bind(operation.operation.graph, sharing: nil, tiles: [:]))
    else { throw UnknownSite(site: site) }
    _ = try run.run(1)
    let cost = operation.operation.graph.cost(of: operation.operation.node)
    let results = operation.operation.node.results
    let elements = results.map { operation.operation.graph.shape(of: $0).elementCount }.max() ?? 1
    let made = Ready(
      operation: operation, run: run, expected: try run.results(),
      // Both sides round; terms are multiply-adds.
      tolerance: Tolerance(
        operation.operation.dtype,
        reduction: max(1, cost.floatingPointOperations / max(1, 2 * elements)), roundings: 2))
    ready = made
    return made
  }

  private func measure(_ request: Request, _ ready: Ready) throws -> Answer {
    let operation = ready.operation.operation
    guard
      let run = try OperationRun(
        operation,
        backend.bind(
          operation.graph, sharing: ready.run.session,
          tiles: [request.site: request.tile]), sharing: ready.run)
    else { return .failure("it launches nothing") }
    _ = try run.run(1)
    for (output, (found, expected)) in zip(
      operation.graph.outputs, zip(try run.results(), ready.expected))
    {
      if let wrong = ready.tolerance.deviation(of: found, from: expected) {
        return .failure("\(output.name) is wrong: \(wrong)")
      }
    }
    return try time(run, beside: ready.run, atLeast: request.seconds)
  }

  /// Times both alternately, so that other load on the machine affects both.
  private func time(
    _ run: OperationRun, beside preferred: OperationRun, atLeast seconds: Double
  ) throws -> Answer {
    func shortest(_ run: OperationRun, _ steps: Int) throws -> Double {
      try run.run(steps).map(\.seconds).filter { $0 > 0 }.min() ?? 0
    }
    let first = (try shortest(run, 1), try shortest(preferred, 1))
    let steps = max(first.0, first.1) < Self.shortSeconds ? Self.stepsInFlight : 1
    var times: [(tile: Double, preferred: Double)] = []
    let start = ContinuousClock.now
    while times.count < Self.leastRounds
      || (ContinuousClock.now - start) / .seconds(1) < seconds && times.count < Self.mostRounds
    {
      let round = (try shortest(run, steps), try shortest(preferred, steps))
      guard round.0 > 0, round.1 > 0 else { return .failure("the device reports no times") }
      times.append(round)
      // A tile that is so much slower needs no better measurement.
      if times.count >= 2, times.allSatisfy({ $0.tile > Self.hopeless * $0.preferred }) { break }
    }
    return .times(
      tile: times.map(\.tile).median, preferred: times.map(\.preferred).median,
      ratio: times.map { $0.tile / $0.preferred }.median)
  }

  private static let shortSeconds = 2e-3
  private static let stepsInFlight = 4
  private static let leastRounds = 5
  private static let mostRounds = 100
  private static let hopeless = 1.25
}
