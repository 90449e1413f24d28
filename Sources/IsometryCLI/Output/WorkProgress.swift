import IsometryFiles

/// The course of work whose parts take about the same time each.
struct WorkProgress {
  private let name: String
  private let unit: String
  private let amount: (Int) -> String
  /// The parts that were done before.
  private let first: Int
  private let start = ContinuousClock.now

  /// - Parameters:
  ///   - unit: the parts, as in "images"; empty if `amount` has a unit.
  ///   - first: the parts that were done before, which the rate leaves out.
  ///   - amount: a number of parts in words.
  init(
    _ name: String, unit: String, from first: Int = 0,
    amount: @escaping (Int) -> String = { Wording.count($0) }
  ) {
    self.name = name
    self.unit = unit.isEmpty ? "" : " \(unit)"
    self.first = first
    self.amount = amount
  }

  /// "evaluating: 2,500 of 10,000 images  512 images/s  15 s left"; without the rate before the first part
  /// is done.
  func line(_ done: Int, of all: Int) -> String {
    line(done, of: all, seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  func line(_ done: Int, of all: Int, seconds: Double) -> String {
    let place = "\(name): \(amount(done)) of \(amount(all))\(unit)"
    guard done > first, seconds > 0 else { return place }
    let rate = Double(done - first) / seconds
    let speed =
      rate < 1
      ? "\(Wording.duration(1 / rate)) each" : "\(amount(Int(rate.rounded())))\(unit)/s"
    return "\(place)  \(speed)  \(Wording.duration(Double(all - done) / rate)) left"
  }
}
