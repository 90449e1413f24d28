import Foundation
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryTraining
import Testing

@testable import IsometryBenchmarks

private let key = TileKey(
  device: "A GPU (9th edition)", driver: "OpenCL 1/2", computeCapability: "9.0", kernels: "0a1b")

private func site(_ name: String) -> TileSite {
  TileSite(kernel: name, shape: "8x8", precision: .float32, units: "portable")
}

private func tile(_ rows: Int) -> Tile { Tile(["rows": rows]) }

@Suite struct TuningStoreTests {
  private func withStore(_ body: (TuningStore) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(TuningStore(folder: folder.appending(path: "made/on demand").path))
  }

  private func record(_ names: String...) -> TuningRecord {
    var record = TuningRecord(key)
    for name in names {
      record[site(name)].tile = tile(name.count)
      record[site(name)].milliseconds = 1.5
      record[site(name)].trials = [
        .init(tile: tile(1), ratio: 0.75), .init(tile: tile(2), failure: "ended by signal 11"),
      ]
    }
    return record
  }

  @Test func recordsComeBackAsTheyWere() throws {
    try withStore { store in
      #expect(store.record(for: key) { Issue.record("\($0)") } == nil)
      let written = record("a", "bc")
      try store.write(written)
      let read = try #require(store.record(for: key) { Issue.record("\($0)") })
      #expect(read == written)
      #expect(read.table[site("bc")] == tile(2) && read.table.count == 2)
    }
  }

  @Test func anotherKeyHasAnotherRecord() throws {
    try withStore { store in
      try store.write(record("a"))
      for other in [
        TileKey(device: "B", driver: key.driver, computeCapability: "9.0", kernels: "0a1b"),
        TileKey(device: key.device, driver: "2", computeCapability: "9.0", kernels: "0a1b"),
        TileKey(device: key.device, driver: key.driver, computeCapability: nil, kernels: "0a1b"),
        TileKey(device: key.device, driver: key.driver, computeCapability: "9.0", kernels: "0a1c"),
        // The same name of a file.
        TileKey(
          device: "A GPU: 9th edition", driver: key.driver, computeCapability: "9.0",
          kernels: "0a1b"),
      ] {
        #expect(store.record(for: other) { Issue.record("\($0)") } == nil)
      }
    }
  }

  @Test(arguments: ["", "{", "[1, 2]", "{\"key\": 3}"])
  func aDamagedFileIsPutAside(text: String) throws {
    try withStore { store in
      _ = try MadeFolders(for: store.folder)
      let path = store.path(for: key)
      try Data(text.utf8).write(to: URL(filePath: path))
      var warnings: [String] = []
      #expect(store.record(for: key) { warnings.append($0) } == nil)
      #expect(warnings.count == 1 && warnings[0].contains(path + ".damaged"), "\(warnings)")
      #expect(try String(contentsOfFile: path + ".damaged", encoding: .utf8) == text)
      // Once is enough.
      #expect(store.record(for: key) { warnings.append($0) } == nil)
      #expect(warnings.count == 1)
      try store.write(record("a"))
      #expect(store.record(for: key) { _ in } != nil)
    }
  }

  @Test func whatAnotherProcessHasTunedStays() throws {
    try withStore { store in
      try store.write(record("a"))
      try store.write(record("bc"))
      let both = try #require(store.record(for: key) { Issue.record("\($0)") })
      #expect(Set(both.sites.map(\.site)) == [site("a"), site("bc")])
    }
  }
}

/// Answers as it is told, and notes what it was asked.
private final class FakeMeasurer: CandidateMeasuring {
  var requests: [CandidateTrial.Request] = []
  private let answer: (CandidateTrial.Request) throws -> CandidateOutcome

  init(_ answer: @escaping (CandidateTrial.Request) throws -> CandidateOutcome) {
    self.answer = answer
  }

  func measure(
    _ request: CandidateTrial.Request, limit: Double
  ) throws -> CandidateOutcome {
    requests.append(request)
    return try answer(request)
  }

  /// Each tile takes as long as it has rows, the default ten.
  static func honest(_ request: CandidateTrial.Request) -> CandidateOutcome {
    let rows = Double(request.tile.sizes["rows"]!)
    return .times(tile: rows, preferred: 10, ratio: rows / 10)
  }
}

@Suite struct TunerTests {
  private static var problems: [TunedOperation] {
    ["a", "b"].map {
      TunedOperation(
        site: site($0), tiles: [10, 12, 7, 4, 9].map(tile), operationsPerStep: 1,
        operation: SingleOperation(squareProduct: 8, .float32))
    }
  }

  private func run(
    by tuner: Tuner = Tuner(), _ record: inout TuningRecord, _ measurer: FakeMeasurer,
    _ stop: StopRequest = StopRequest(), saves: (TuningRecord) -> Void = { _ in }
  ) throws -> (end: Tuner.End, reports: [Tuner.Report]) {
    var reports: [Tuner.Report] = []
    let end = try tuner.run(
      Self.problems, &record, measurer: measurer, stop: stop, save: saves,
      onReport: { reports.append($0) })
    return (end, reports)
  }

  @Test func theFastestIsKept() throws {
    var record = TuningRecord(key)
    let (end, reports) = try run(&record, FakeMeasurer(FakeMeasurer.honest))
    #expect(end == .complete && reports.map(\.site) == Self.problems.map(\.site))
    #expect(reports[0].milliseconds == 4e3 && reports[0].defaultMilliseconds == 10e3)
    #expect(!reports[0].isDefault && reports[0].candidates == 5 && reports[0].failures == 0)
    #expect(record.table == [site("a"): tile(4), site("b"): tile(4)])
  }

  @Test func noiseDoesNotReplaceTheDefault() throws {
    var record = TuningRecord(key)
    // Fast in the first round, as the default in the second.
    let measurer = FakeMeasurer { request in
      .times(tile: 1, preferred: 1, ratio: request.seconds > 0.2 ? 0.99 : 0.5)
    }
    let (_, reports) = try run(&record, measurer)
    #expect(reports.allSatisfy { $0.isDefault } && record.table[site("a")] == tile(10))
  }

  @Test func failuresAreSavedAtOnceAndNotTriedAgain() throws {
    var record = TuningRecord(key)
    var saved: [TuningRecord] = []
    let crashing = FakeMeasurer { request in
      request.tile == tile(4) ? .failure("ended by signal 11") : FakeMeasurer.honest(request)
    }
    let (_, reports) = try run(&record, crashing) { saved.append($0) }
    #expect(record.table[site("a")] == tile(7) && reports[0].failures == 1)
    let first = try #require(saved.first)
    #expect(first[site("a")].tile == nil && first[site("a")].trials.last?.failure != nil)
    // From what was saved then, as after a crash of this process too.
    var resumed = first
    let measurer = FakeMeasurer(FakeMeasurer.honest)
    _ = try run(&resumed, measurer)
    let asked = measurer.requests.filter { $0.site == site("a") && $0.seconds < 0.2 }
    #expect(asked.map(\.tile) == [tile(9)])
    #expect(resumed.table[site("a")] == tile(7))
  }

  @Test func theBudgetEndsAndAnotherRunGoesOn() throws {
    var record = TuningRecord(key)
    var tuner = Tuner()
    tuner.budget = 0.25
    let slow = FakeMeasurer { request in
      Thread.sleep(forTimeInterval: 0.1)
      return FakeMeasurer.honest(request)
    }
    let (end, reports) = try run(by: tuner, &record, slow)
    #expect(end == .outOfTime(left: 2) && reports.isEmpty && record.table.isEmpty)
    #expect(slow.requests.count <= 3)
    let measurer = FakeMeasurer(FakeMeasurer.honest)
    let resumed = try run(&record, measurer)
    #expect(resumed.end == .complete)
    let (known, place) = (tile(12), site("a"))
    #expect(!measurer.requests.contains { $0.tile == known && $0.site == place })
    // Nothing is left.
    let idle = FakeMeasurer(FakeMeasurer.honest)
    let nothing = try run(&record, idle)
    #expect(nothing.end == .complete && idle.requests.isEmpty)
  }

  @Test func againKeepsATileUntilThereIsAnother() throws {
    var record = TuningRecord(key)
    _ = try run(&record, FakeMeasurer(FakeMeasurer.honest))
    var tuner = Tuner()
    tuner.again = true
    let stop = StopRequest()
    let stopping = FakeMeasurer { _ in
      stop.request(bySignal: 2)
      return .stopped
    }
    let stopped = try run(by: tuner, &record, stopping, stop)
    #expect(stopped.end == .stopped)
    #expect(record.table[site("a")] == tile(4))
    _ = try run(
      by: tuner, &record,
      FakeMeasurer { request in
        .times(tile: 1, preferred: 2, ratio: request.tile == tile(9) ? 0.5 : 1)
      })
    #expect(record.table[site("a")] == tile(9))
  }

  @Test func aHangIsAFailureButTheBudgetsEndIsNot() throws {
    var tuner = Tuner()
    for (budget, failures) in [(100.0, 4), (10.0, 0)] {
      tuner.budget = budget
      tuner.limit = 60
      var record = TuningRecord(key)
      _ = try? run(by: tuner, &record, FakeMeasurer { _ in .late })
      #expect(record[site("a")].trials.count { $0.failure != nil } == failures)
    }
  }
}

/// The process that measures, in whose place shell scripts crash and hang.
@Suite struct CandidateProcessTests {
  private static func process(
    _ script: String, _ stop: StopRequest = StopRequest(), patience: Double = 0.2
  ) throws -> CandidateProcess {
    try CandidateProcess(
      executable: "/bin/sh", arguments: ["-c", script], greeting: ["hello"], stop: stop,
      patience: patience)
  }

  private static let request = CandidateTrial.Request(
    site: site("a"), tile: tile(1), seconds: 0.1)

  private static func line(_ answer: CandidateTrial.Answer) throws -> String {
    "echo '\(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))'"
  }

  @Test func answersAreRead() throws {
    let times = CandidateTrial.Answer.times(tile: 1, preferred: 2, ratio: 0.5)
    let process = try Self.process(
      """
      read greeting; test "$greeting" = '["hello"]' || exit 1
      while read request; do
        \(try Self.line(.ready)); echo a driver talks; \(try Self.line(times))
      done
      """)
    for _ in 0..<3 {
      #expect(
        try process.measure(Self.request, limit: 20)
          == .times(tile: 1, preferred: 2, ratio: 0.5))
    }
  }

  @Test func aCrashCostsOneCandidate() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // The first process crashes at its first candidate, the next one answers.
    let process = try Self.process(
      """
      read greeting; read request; \(try Self.line(.ready))
      if [ ! -e \(folder)/crashed ]; then touch \(folder)/crashed; kill -SEGV $$; fi
      \(try Self.line(.times(tile: 1, preferred: 2, ratio: 0.5)))
      """)
    #expect(
      try process.measure(Self.request, limit: 20) == .failure("the process was ended by signal 11")
    )
    #expect(
      try process.measure(Self.request, limit: 20) == .times(tile: 1, preferred: 2, ratio: 0.5))
  }

  @Test func aCrashTellsItsLastWords() throws {
    let process = try Self.process(
      """
      read greeting; read request; \(try Self.line(.ready))
      for word in one two three four; do echo $word >&2; done; kill -SEGV $$
      """)
    #expect(
      try process.measure(Self.request, limit: 20)
        == .failure("the process was ended by signal 11; its last words: two / three / four"))
    let error = #expect(throws: CandidateProcess.Trouble.self) {
      try Self.process("echo no device >&2; exit 3").measure(Self.request, limit: 20)
    }
    #expect(error?.reason.hasSuffix("ended with exit code 3; its last words: no device") == true)
  }

  /// More than a pipe holds, before an answer and on the way out.
  @Test func warningsWithoutEndHoldNothingUp() throws {
    let warn = "head -c 300000 /dev/zero | tr '\\0' x >&2"
    let process = try Self.process(
      """
      read greeting; read request; \(warn)
      \(try Self.line(.ready)); \(try Self.line(.times(tile: 1, preferred: 2, ratio: 0.5)))
      """)
    #expect(
      try process.measure(Self.request, limit: 20) == .times(tile: 1, preferred: 2, ratio: 0.5))
    let outcome = try Self.process(
      "read greeting; read request; \(try Self.line(.ready)); exec 0<&- 1>&-; \(warn); exit 4",
      patience: 20
    ).measure(Self.request, limit: 20)
    guard case .failure(let reason) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(reason.hasPrefix("the process ended with exit code 4; its last words: xxx"))
    #expect(reason.count < 1200)
  }

  @Test func aFloodOfWarningsEndsAtItsLimit() throws {
    let process = try Self.process("exec cat /dev/zero >&2", patience: 0.2)
    let start = ContinuousClock.now
    #expect(try process.measure(Self.request, limit: 0.3) == .late)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func lastWordsAreAboutTheTile() throws {
    let process = try Self.process(
      """
      read greeting; read request; echo a tile before >&2; \(try Self.line(.ready))
      \(try Self.line(.times(tile: 1, preferred: 2, ratio: 0.5)))
      read request; \(try Self.line(.ready)); kill -SEGV $$
      """)
    #expect(
      try process.measure(Self.request, limit: 20) == .times(tile: 1, preferred: 2, ratio: 0.5))
    #expect(
      try process.measure(Self.request, limit: 20)
        == .failure("the process was ended by signal 11"))
  }

  @Test func aHangEndsAtItsLimit() throws {
    let process = try Self.process("sleep 600")
    let start = ContinuousClock.now
    #expect(try process.measure(Self.request, limit: 0.2) == .late)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func aStopIsHeardWhileWaiting() throws {
    let stop = StopRequest()
    let process = try Self.process("sleep 600", stop)
    stop.request(bySignal: 2)
    #expect(try process.measure(Self.request, limit: 600) == .stopped)
  }

  @Test func aPlaceThatCannotBeMeasuredSaysWhy() throws {
    #expect(throws: CandidateProcess.Trouble.self) {
      try Self.process("exit 3").measure(Self.request, limit: 20)
    }
    #expect(throws: CandidateProcess.Trouble.self) {
      try Self.process("read a; read b; \(try Self.line(.trouble("no memory")))")
        .measure(Self.request, limit: 20)
    }
  }
}
