import Foundation
import IsometryFiles

extension Wording {
  /// 0.0123456 → "0.01235"
  static func short(_ value: Double?) -> String {
    value.map { String(format: "%.4g", $0) } ?? "none"
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
