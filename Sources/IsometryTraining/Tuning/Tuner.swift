package import IsometryGraph

/// Finds the best tile of each place of a training step, within a budget of time.
///
/// Each candidate is timed in turns with the default tile. The best few are timed again for longer, and
/// one of them is kept where it is faster than the default by more than what noise does.
package struct Tuner {
  /// How long tuning may take, in seconds.
  package var budget = 300.0
  /// How long a candidate is timed at least, in seconds, and how long those of the second round.
  package var (seconds, secondsAgain) = (0.1, 0.5)
  /// After so many seconds without an answer a candidate counts as hanging.
  package var limit = 60.0
  /// Candidates that are timed again.
  package var finalists = 3
  /// Whether places are tuned again that have a tile, which they keep until they have another.
  package var again = false
  /// A tile is kept where its time is below this share of the default's.
  package var worthwhile = 0.98

  package init() {}

  /// What became of a place.
  package struct Report: Equatable, Sendable {
    package let site: TileSite
    package let tile: Tile
    /// Whether the default tile is the best.
    package let isDefault: Bool
    package let milliseconds: Double
    package let defaultMilliseconds: Double
    package let candidates: Int
    package let failures: Int
  }

  /// Why tuning ended.
  package enum End: Equatable, Sendable {
    /// Every place has a tile.
    case complete
    /// The budget is used up; so many places are left.
    case outOfTime(left: Int)
    case stopped
  }

  /// - Parameters:
  ///   - operations: in the order in which they are tuned; those whose place the record knows are left
  ///     out.
  ///   - record: gets what is found.
  ///   - save: called with the record after each place, after each failure and at the end.
  ///   - onCandidate: called before each with the place, the candidate's number from 1 and how many
  ///     there are.
  ///   - onReport: called after each place.
  /// - Throws: what `measurer` and `save` throw.
  package func run(
    _ operations: [TunedOperation], _ record: inout TuningRecord,
    measurer: any CandidateMeasuring, stop: StopRequest,
    save: (TuningRecord) throws -> Void,
    onCandidate: (TileSite, Int, Int) -> Void = { _, _, _ in },
    onReport: (Report) -> Void = { _ in }
  ) throws -> End {
    let places = operations.map { Place(site: $0.site, tiles: $0.tiles) }
    return try run(
      places, &record, measurer: measurer, stop: stop, save: save, onCandidate: onCandidate,
      onReport: onReport)
  }

  /// A place and what it can have; the first is the default.
  struct Place {
    let site: TileSite
    let tiles: [Tile]
  }

  func run(
    _ places: [Place], _ record: inout TuningRecord, measurer: any CandidateMeasuring,
    stop: StopRequest, save: (TuningRecord) throws -> Void,
    onCandidate: (TileSite, Int, Int) -> Void, onReport: (Report) -> Void
  ) throws -> End {
    var search = Search(tuner: self, measurer: measurer)
    for (number, place) in places.enumerated() where again || record[place.site].tile == nil {
      var known = record[place.site]
      if again { known.trials = [] }
      let report = try search.best(
        of: place, &known,
        onFailure: { known in
          record[place.site] = known
          try save(record)
        }, onCandidate: { onCandidate(place.site, $0, place.tiles.count) })
      record[place.site] = known
      try save(record)
      if let report { onReport(report) }
      if stop.isRequested { return .stopped }
      guard report != nil else {
        return .outOfTime(
          left: places[number...].count { again || record[$0.site].tile == nil })
      }
    }
    return .complete
  }
}

/// The way through the candidates of one place after the other.
private struct Search {
  let tuner: Tuner
  let measurer: any CandidateMeasuring
  let deadline: ContinuousClock.Instant

  init(tuner: Tuner, measurer: any CandidateMeasuring) {
    self.tuner = tuner
    self.measurer = measurer
    deadline = .now + .seconds(tuner.budget)
  }

  private var remaining: Double { (deadline - ContinuousClock.now) / .seconds(1) }

  /// Tries what has not been tried yet; nil where time was up or somebody asked to stop before.
  mutating func best(
    of place: Tuner.Place, _ known: inout TuningRecord.Site,
    onFailure: (TuningRecord.Site) throws -> Void, onCandidate: (Int) -> Void
  ) throws -> Tuner.Report? {
    for (number, tile) in place.tiles.enumerated().dropFirst()
    where !known.trials.contains(where: { $0.tile == tile }) {
      onCandidate(number + 1)
      switch try measure(place.site, tile, seconds: tuner.seconds) {
      case .times(_, _, let ratio): known.trials.append(.init(tile, ratio: ratio))
      case .failure(let reason):
        known.trials.append(.init(tile, failure: reason))
        try onFailure(known)
      case .late, .stopped: return nil
      }
    }
    guard let best = try confirmed(place, known) else { return nil }
    known.tile = best.tile
    known.milliseconds = 1e3 * best.seconds
    known.defaultMilliseconds = 1e3 * best.preferred
    return Tuner.Report(
      site: place.site, tile: best.tile, isDefault: best.tile == place.tiles[0],
      milliseconds: 1e3 * best.seconds, defaultMilliseconds: 1e3 * best.preferred,
      candidates: place.tiles.count, failures: known.trials.count { $0.failure != nil })
  }

  /// The best of what did well, timed again for longer.
  private func confirmed(
    _ place: Tuner.Place, _ known: TuningRecord.Site
  ) throws -> (tile: Tile, seconds: Double, preferred: Double)? {
    let promising = known.trials.filter { ($0.ratio ?? 1) < 1 && place.tiles.contains($0.tile) }
      .sorted { $0.ratio! < $1.ratio! }
    var best = (tile: place.tiles[0], ratio: tuner.worthwhile, seconds: 0.0, preferred: 0.0)
    for trial in promising.prefix(tuner.finalists) {
      switch try measure(place.site, trial.tile, seconds: tuner.secondsAgain) {
      case .times(let seconds, let preferred, let ratio):
        if ratio < best.ratio { best = (trial.tile, ratio, seconds, preferred) }
      case .failure: break
      case .late, .stopped: return nil
      }
    }
    guard best.tile == place.tiles[0] else { return (best.tile, best.seconds, best.preferred) }
    switch try measure(place.site, place.tiles[0], seconds: tuner.seconds) {
    case .times(_, let preferred, _): return (place.tiles[0], preferred, preferred)
    case .failure(let reason):
      throw CandidateProcess.Trouble(site: place.site, reason: "its default tile: \(reason)")
    case .late, .stopped: return nil
    }
  }

  /// An answer that is late because time is up says nothing of the tile.
  private func measure(
    _ site: TileSite, _ tile: Tile, seconds: Double
  ) throws -> CandidateOutcome {
    let remaining = remaining
    guard remaining > 0 else { return .late }
    let outcome = try measurer.measure(
      CandidateTrial.Request(site, tile, seconds: seconds), limit: min(tuner.limit, remaining))
    guard outcome == .late, remaining >= tuner.limit else { return outcome }
    return .failure("no answer within \(Int(tuner.limit)) s")
  }
}
