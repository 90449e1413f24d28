package import IsometryGraph
package import IsometryTraining

/// Finds the best tile of each convolution and product of a training step, within a time budget.
///
/// Each candidate is timed alternately with the default tile. The best few are timed again for
/// longer, and one of them is kept if it is faster than the default by more than the noise.
package struct Tuner {
  /// The longest time of tuning, in seconds.
  package var budget = 300.0
  /// The shortest times for which a candidate is timed in the first and second round, in seconds.
  package var (seconds, secondsAgain) = (0.1, 0.5)
  /// A candidate without an answer after this time counts as hanging, in seconds.
  package var limit = 60.0
  /// Candidates that are timed again.
  package var finalists = 3
  /// Whether problems that have a tile are tuned again; they keep it until they have a new one.
  package var again = false
  /// A tile is kept if its time is below this share of the default's.
  package var worthwhile = 0.98

  package init() {}

  package struct Report: Equatable, Sendable {
    package let site: TileSite
    package let tile: Tile
    package let isDefault: Bool
    package let milliseconds: Double
    package let defaultMilliseconds: Double
    package let candidates: Int
    package let failures: Int
  }

  package enum End: Equatable, Sendable {
    /// Every problem has a tile.
    case complete
    /// The budget is used up; `left` problems have no tile.
    case outOfTime(left: Int)
    case stopped
  }

  /// Tunes the operations in their order, except for those that the record knows.
  ///
  /// - Parameters:
  ///   - operations: in the order of tuning; those that the record knows are skipped.
  ///   - record: gets the results.
  ///   - save: called with the record after each problem, after each failure and at the end.
  ///   - onCandidate: called before each candidate with the site, its number from 1, and the number
  ///     of candidates.
  ///   - onReport: called after each problem.
  /// - Throws: errors of `measurer` and `save`.
  package func run(
    _ operations: [TunedOperation], _ record: inout TuningRecord,
    measurer: any CandidateMeasuring, stop: StopRequest, save: (TuningRecord) throws -> Void,
    onCandidate: (TileSite, Int, Int) -> Void = { _, _, _ in },
    onReport: (Report) -> Void = { _ in }
  ) throws -> End {
    let search = Search(tuner: self, measurer: measurer, deadline: .now + .seconds(budget))
    for (number, problem) in operations.enumerated()
    where again || record[problem.site].tile == nil {
      var known = record[problem.site]
      if again { known.trials = [] }
      let report = try search.best(
        of: problem, &known,
        onFailure: { known in
          record[problem.site] = known
          try save(record)
        }, onCandidate: { onCandidate(problem.site, $0, problem.tiles.count) })
      record[problem.site] = known
      try save(record)
      if let report { onReport(report) }
      if stop.isRequested { return .stopped }
      guard report != nil else {
        return .outOfTime(
          left: operations[number...].count { again || record[$0.site].tile == nil })
      }
    }
    return .complete
  }
}

private struct Search {
  let tuner: Tuner
  let measurer: any CandidateMeasuring
  let deadline: ContinuousClock.Instant

  private var remaining: Double { (deadline - ContinuousClock.now) / .seconds(1) }

  /// Tries the untried candidates; nil if time was up or a stop was requested before.
  func best(
    of problem: TunedOperation, _ known: inout TuningRecord.Site,
    onFailure: (TuningRecord.Site) throws -> Void, onCandidate: (Int) -> Void
  ) throws -> Tuner.Report? {
    for (number, tile) in problem.tiles.enumerated().dropFirst()
    where !known.trials.contains(where: { $0.tile == tile }) {
      onCandidate(number + 1)
      switch try measure(problem.site, tile, seconds: tuner.seconds) {
      case .times(_, _, let ratio): known.trials.append(.init(tile: tile, ratio: ratio))
      case .failure(let reason):
        known.trials.append(.init(tile: tile, failure: reason))
        try onFailure(known)
      case .late, .stopped: return nil
      }
    }
    guard let best = try confirmed(problem, known) else { return nil }
    known.tile = best.tile
    known.milliseconds = 1e3 * best.seconds
    known.defaultMilliseconds = 1e3 * best.preferred
    return Tuner.Report(
      site: problem.site, tile: best.tile, isDefault: best.tile == problem.tiles[0],
      milliseconds: 1e3 * best.seconds, defaultMilliseconds: 1e3 * best.preferred,
      candidates: problem.tiles.count, failures: known.trials.count { $0.failure != nil })
  }

  /// The best of the fastest candidates, timed again for longer.
  private func confirmed(
    _ problem: TunedOperation, _ known: TuningRecord.Site
  ) throws -> (tile: Tile, seconds: Double, preferred: Double)? {
    let promising = known.trials.filter { ($0.ratio ?? 1) < 1 && problem.tiles.contains($0.tile) }
      .sorted { $0.ratio! < $1.ratio! }
    var best = (tile: problem.tiles[0], ratio: tuner.worthwhile, seconds: 0.0, preferred: 0.0)
    for trial in promising.prefix(tuner.finalists) {
      switch try measure(problem.site, trial.tile, seconds: tuner.secondsAgain) {
      case .times(let seconds, let preferred, let ratio):
        if ratio < best.ratio { best = (trial.tile, ratio, seconds, preferred) }
      case .failure: break
      case .late, .stopped: return nil
      }
    }
    guard best.tile == problem.tiles[0] else { return (best.tile, best.seconds, best.preferred) }
    switch try measure(problem.site, problem.tiles[0], seconds: tuner.seconds) {
    case .times(_, let preferred, _): return (problem.tiles[0], preferred, preferred)
    case .failure(let reason):
      throw CandidateProcess.Trouble(site: problem.site, reason: "its default tile: \(reason)")
    case .late, .stopped: return nil
    }
  }

  /// An answer that is late because the budget is used up says nothing about the tile.
  private func measure(
    _ site: TileSite, _ tile: Tile, seconds: Double
  ) throws -> CandidateOutcome {
    let remaining = remaining
    guard remaining > 0 else { return .late }
    let outcome = try measurer.measure(
      CandidateTrial.Request(site: site, tile: tile, seconds: seconds),
      limit: min(tuner.limit, remaining))
    guard outcome == .late, remaining >= tuner.limit else { return outcome }
    return .failure("no answer within \(Int(tuner.limit)) s")
  }
}
