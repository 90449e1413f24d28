import Foundation

/// Numbers as people read them. Modules that print add words of their own.
package enum Wording {
  /// 0.7881 → "78.8 %"
  package static func percent(_ fraction: Double, digits: Int = 1) -> String {
    String(format: "%.\(digits)f %%", 100 * fraction)
  }

  /// 1234567 → "1,234,567"
  package static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    let grouped = digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : "\(digit)"
    }
    return (number < 0 ? "−" : "") + grouped.joined()
  }

  /// The nearest whole number; "?" for NaN and for numbers that are too large to read.
  package static func count(_ number: Double) -> String {
    guard abs(number) < 1e15 else { return "?" }
    return count(Int(number.rounded()))
  }

  /// 75 → "1 min 15 s"; below ten seconds with a decimal.
  package static func duration(_ seconds: Double) -> String {
    guard abs(seconds) < 1e12 else { return "?" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// 1.5 · 2³⁰ → "1.5 GiB"
  package static func bytes(_ count: Int) -> String {
    guard count >= 1024 else { return "\(count) bytes" }
    let units = ["KiB", "MiB", "GiB", "TiB"]
    let unit = min(Int(log2(Double(count))) / 10, units.count)
    return String(format: "%.1f ", Double(count) / exp2(10 * Double(unit))) + units[unit - 1]
  }

  /// 1.2345 → "1.234"; 1234567 → "1.235e+06"; an infinity or NaN → "not finite"
  package static func loss(_ value: Double) -> String {
    guard value.isFinite else { return "not finite" }
    return String(format: abs(value) < 1e5 ? "%.3f" : "%.3e", value)
  }

  package static func number(_ value: Double) -> String { String(format: "%.6g", value) }
}
