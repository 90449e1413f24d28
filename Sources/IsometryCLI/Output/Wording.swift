import Foundation
import IsometryCore
import IsometryNN
import IsometryTraining

enum Wording {
  /// 0.7881 → "78.8 %"
  static func percent(_ fraction: Double, digits: Int = 1) -> String {
    String(format: "%.\(digits)f %%", 100 * fraction)
  }

  /// 1234567 → "1,234,567"
  static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    let grouped = digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : "\(digit)"
    }
    return (number < 0 ? "−" : "") + grouped.joined()
  }

  /// The nearest whole number; "?" for NaN and for numbers that are too large to read.
  static func count(_ number: Double) -> String {
    guard abs(number) < 1e15 else { return "?" }
    return count(Int(number.rounded()))
  }

  /// 75 → "1 min 15 s"; below ten seconds with a decimal.
  static func duration(_ seconds: Double) -> String {
    guard abs(seconds) < 1e12 else { return "?" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// 1.5 · 2³⁰ → "1.5 GiB"
  static func bytes(_ count: Int) -> String {
    guard count >= 1024 else { return "\(count) bytes" }
    let units = ["KiB", "MiB", "GiB", "TiB"]
    let unit = min(Int(log2(Double(count))) / 10, units.count)
    return String(format: "%.1f ", Double(count) / exp2(10 * Double(unit))) + units[unit - 1]
  }

  /// 1.2345 → "1.234"; 1234567 → "1.235e+06"; an infinity or NaN → "not finite"
  static func loss(_ value: Double) -> String {
    guard value.isFinite else { return "not finite" }
    return String(format: abs(value) < 1e5 ? "%.3f" : "%.3e", value)
  }

  /// "195 an epoch, 975 in all; 80 images of each epoch fill no batch and are left out"
  static func steps(of run: TrainingRun) -> String {
    let rest = run.imagesLeftOut
    return "\(count(run.stepsPerEpoch)) an epoch, \(count(run.stepCount)) in all"
      + (rest == 0
        ? ""
        : "; \(count(rest)) image\(rest == 1 ? "" : "s") of each epoch fill\(rest == 1 ? "s" : "") "
          + "no batch of \(count(run.configuration.batch)), and \(rest == 1 ? "is" : "are") left out")
  }

  /// The images of an evaluation.
  static func evaluated(isHeldOut: Bool) -> String { isHeldOut ? "held-out" : "test" }

  /// A measured network. `weights` is their origin. `inputs` is the number of inputs of the
  /// normalization's statistics; 0 if it has none, or those of a training.
  static func network(
    _ configuration: RunConfiguration, weights: String, statisticsOf inputs: Int
  ) -> String {
    "\(configuration.model), normalization \(configuration.normalization.rawValue)"
      + (inputs == 0 ? "" : " with the statistics of \(inputs) inputs")
      + ", \(weights), \(configuration.activationName), \(configuration.precision.rawValue)"
  }

  /// A text filled with spaces up to a width, on the right or, for numbers, on the left.
  static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - text.count))
    return left ? fill + text : text + fill
  }

  static func number(_ value: Double) -> String { String(format: "%.6g", value) }

  /// The cells of a table's line, each on the right of its column.
  static func row(_ cells: [String]) -> String {
    cells.map { padded($0, 14, left: true) }.joined()
  }
}
