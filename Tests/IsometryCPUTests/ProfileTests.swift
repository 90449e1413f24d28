import Glibc
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

/// Prints where the time of a training step goes:
/// `ISOMETRY_PROFILE=resnet20:128:bf16 swift test --filter ProfileTests`, with as many descriptions
/// as wanted, divided by commas; `-` before a description leaves Batch Normalization out.
@Suite(.serialized) struct ProfileTests {
  static let wanted: [String] =
    getenv("ISOMETRY_PROFILE").map {
      String(cString: $0).split(separator: ",").map(String.init)
    } ?? []

  @Test(.enabled(if: !wanted.isEmpty), arguments: wanted)
  func launches(description: String) throws {
    let plain = description.hasPrefix("-")
    let parts = description.drop { $0 == "-" }.split(separator: ":")
    let batch = try #require(Int(parts[1]))
    let precision = try #require(DType(rawValue: String(parts[2])))
    let run = try TrainingRun(
      String(parts[0]), batch: batch, precision: precision,
      normalization: plain ? .none : .batch)
    let least = try run.milliseconds(steps: 8)
    let session = try #require(run.session as? any ProfilingSession)
    let seconds = session.profile(from: run.slot, steps: 8)
    var totals: [String: (count: Int, seconds: Double)] = [:]
    for (name, time) in zip(session.report.launches, seconds) {
      totals[name, default: (0, 0)].count += 1
      totals[name, default: (0, 0)].seconds += time
    }
    let sum = seconds.reduce(0, +)
    print(
      "\(description): \(least) ms, \(Double(batch) / least * 1e3) images/s; "
        + "launches \(sum * 1e3) ms; arena \(session.report.arenaBytes >> 20) MiB")
    for (name, total) in totals.sorted(by: { $0.value.seconds > $1.value.seconds }) {
      let share = Int((total.seconds / sum * 1000).rounded())
      print("  \(Double(share) / 10) %  \(total.seconds * 1e3) ms  \(total.count) × \(name)")
    }
  }
}
