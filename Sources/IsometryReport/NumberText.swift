import Foundation

/// Numbers as a page shows them.
enum NumberText {
  /// 0.7881 → "78.81 %"
  static func percent(_ share: Double, digits: Int = 2) -> String {
    String(format: "%.\(digits)f %%", 100 * share)
  }

  /// 0.0123456 → "0.01235"
  static func short(_ value: Double?) -> String {
    value.map { String(format: "%.4g", $0) } ?? "none"
  }

  /// 1234567 → "1,234,567"
  static func count(_ value: Double) -> String {
    guard abs(value) < 1e15 else { return "?" }
    let digits = Array(String(Int(value.rounded())))
    return digits.enumerated().reduce("") { text, digit in
      let isGroup = digit.offset > 0 && (digits.count - digit.offset) % 3 == 0
      return text + (isGroup && text != "-" ? "," : "") + String(digit.element)
    }
  }

  /// 1.5 · 2³⁰ → "1.50 GiB"
  static func bytes(_ count: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (Double(count), 0)
    while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
    return unit == 0 ? "\(count) bytes" : String(format: "%.2f ", value) + units[unit]
  }

  /// 75 → "1 min 15 s"
  static func duration(_ seconds: Double) -> String {
    guard abs(seconds) < 1e12 else { return "?" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// The mark of an axis at a value, when marks are a step apart.
  static func mark(_ value: Double, step: Double) -> String {
    guard step < 1, abs(value) < 1e5, step >= 1e-4 else {
      let isPlain = value == 0 || (1e-3..<1e5).contains(abs(value))
      return String(format: isPlain ? "%g" : "%.0e", value)
    }
    return String(format: "%.\(Int((-log10(step) - 1e-9).rounded(.up)))f", value)
  }
}
