import Foundation
import IsometryNN

/// Numbers as people read them.
enum Wording {
  /// 0.7881 → "78.8 %"
  static func percent(_ fraction: Double, digits: Int = 1) -> String {
    String(format: "%.\(digits)f %%", 100 * fraction)
  }

  /// 1234567 → "1,234,567"
  static func count(_ number: Int) -> String {
    var groups: [String] = []
    var rest = number.magnitude
    while rest >= 1000 {
      groups.insert(String(format: "%03d", Int(rest % 1000)), at: 0)
      rest /= 1000
    }
    return (number < 0 ? "−" : "") + ([String(rest)] + groups).joined(separator: ",")
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
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) bytes" : String(format: "%.1f %@", value, units[unit])
  }

  /// 1.2345 → "1.234"; 1234567 → "1.235e+06"
  static func loss(_ value: Double) -> String {
    String(format: abs(value) < 1e5 ? "%.3f" : "%.3e", value)
  }

  /// A network's normalization, with the number of inputs of its statistics; 0 if it has none, or
  /// those of a training.
  static func normalization(_ kind: NormalizationKind, statisticsOf inputs: Int) -> String {
    "normalization \(kind.rawValue)"
      + (inputs == 0 ? "" : " with the statistics of \(inputs) inputs")
  }

  /// A text filled with spaces up to a width, on the right or, for numbers, on the left.
  static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - text.count))
    return left ? fill + text : text + fill
  }

  /// Six significant digits.
  static func number(_ value: Double) -> String { String(format: "%.6g", value) }

  /// The cells of a table's line, each on the right of its column.
  static func row(_ cells: [String]) -> String {
    cells.map { padded($0, 14, left: true) }.joined()
  }
}
