/// What a device answered to one question.
struct Answer: Sendable, Equatable {
  /// The answer proper.
  enum Value: Sendable, Equatable {
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

  /// A figure or remark beside the answer.
  struct Detail: Sendable, Equatable {
    let name: String
    let value: Value
  }

  var value: Value
  var details: [Detail] = []

  mutating func add(_ name: String, _ value: Value) {
    details.append(Detail(name: name, value: value))
  }

  mutating func add(_ name: String, _ number: Double, _ unit: String) {
    add(name, .measured(number, unit: unit))
  }
}

extension Answer.Value: CustomStringConvertible {
  /// For people: "yes", "1,234 GB/s", "not applicable: …".
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
  let magnitude = number.magnitude
  var decimals = 3
  var limit = 10.0
  while decimals > 0 && magnitude >= limit {
    decimals -= 1
    limit *= 10
  }
  if magnitude < 1 { decimals = 4 }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (magnitude * scale).rounded()
  let whole = (scaled / scale).rounded(.down)
  let sign = number < 0 ? "-" : ""
  guard decimals > 0 else { return sign + "\(Int(whole))" }
  let fraction = String(Int(scaled - whole * scale))
  let zeros = String(repeating: "0", count: max(decimals - fraction.count, 0))
  return sign + "\(Int(whole)).\(zeros)\(fraction)"
}
