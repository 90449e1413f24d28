import Foundation

struct Answer: Sendable {
  enum Value: Sendable {
    case yes
    case no
    case text(String)
    /// A number with its unit, `GB/s`.
    case measured(Double, unit: String)
    /// The question does not arise on this device, for the reason given.
    case notApplicable(String)
    /// The question could not be asked: a call or a build failed for the reason given.
    case failed(String)
  }

  var value: Value
  /// Figures and remarks beside the answer.
  var details: [(name: String, value: Value)] = []

  mutating func add(_ name: String, _ value: Value) {
    details.append((name, value))
  }

  mutating func add(_ name: String, _ number: Double, _ unit: String) {
    add(name, .measured(number, unit: unit))
  }
}

extension Answer.Value: CustomStringConvertible {
  var description: String {
    switch self {
    case .yes: "yes"
    case .no: "no"
    case .text(let text): text
    case .measured(let number, let unit):
      unit.isEmpty ? fourDigits(number) : "\(fourDigits(number)) \(unit)"
    case .notApplicable(let reason): "not applicable: \(reason)"
    case .failed(let reason): "failed: \(reason)"
    }
  }
}

/// A number as people write it: whole numbers in full, others with four significant digits.
func fourDigits(_ number: Double) -> String {
  guard number.isFinite else { return "\(number)" }
  if number == number.rounded() && number.magnitude < 1e9 { return "\(Int(number))" }
  let decimals =
    number.magnitude < 1 ? 4 : max(0, 3 - Int(log10(number.magnitude).rounded(.down)))
  return String(format: "%.\(decimals)f", number)
}
