import Foundation
import IsometryFiles

/// An axis of a chart: numbers to places, and its marks.
struct ChartScale {
  let lower: Double
  let upper: Double
  let isLogarithmic: Bool
  /// Whether the marks are whole numbers, as of epochs and steps.
  private let isWhole: Bool

  /// - Parameter values: those to show; on a logarithmic axis only positive ones count.
  init(_ axis: Plot.Axis, _ values: [Double], startsAtZero: Bool) {
    isLogarithmic = axis.isLogarithmic
    isWhole = ["epoch", "step"].contains(axis.column)
    let shown = values.filter { $0.isFinite && (!axis.isLogarithmic || $0 > 0) }
    var lower = axis.range?.lowerBound ?? shown.min() ?? (axis.isLogarithmic ? 1 : 0)
    var upper = axis.range?.upperBound ?? shown.max() ?? (axis.isLogarithmic ? 10 : 1)
    if axis.isLogarithmic {
      lower = pow(10, max(Self.leastExponent, floor(log10(lower) + 1e-9)))
      upper = pow(10, max(Self.leastExponent, ceil(log10(upper) - 1e-9)))
      if lower == upper { upper *= 10 }
    } else if axis.range == nil {
      if startsAtZero, lower > 0 { lower = 0 }
      let size = max(abs(lower), abs(upper))
      if upper - lower <= max(1e-9 * size, .leastNormalMagnitude) {
        let margin = size <= .leastNormalMagnitude ? 0.5 : 0.1 * size
        (lower, upper) = (startsAtZero && lower >= 0 ? lower : lower - margin, upper + margin)
      }
      if startsAtZero { upper = Self.step(upper - lower) * ceil(upper / Self.step(upper - lower)) }
    }
    (self.lower, self.upper) = (lower, upper)
  }

  /// The place of a value: 0 at the lower end, 1 at the upper. nil for a value that has no place.
  func place(of value: Double) -> Double? {
    guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
    let place =
      isLogarithmic
      ? (log(value) - log(lower)) / (log(upper) - log(lower)) : (value - lower) / (upper - lower)
    return place.isFinite ? place : nil
  }

  var marks: [(value: Double, text: String)] {
    guard (upper - lower).isFinite else { return [] }
    guard isLogarithmic else {
      let step = max(isWhole ? 1 : 0, Self.step(upper - lower))
      let first = ceil(lower / step - 1e-9)
      let count = Int(floor(upper / step + 1e-9) - first)
      return (0...max(0, count)).map {
        let value = (first + Double($0)) * step
        return (value, Wording.mark(value, step: step))
      }
    }
    let exponents = (Int(log10(lower).rounded()), Int(log10(upper).rounded()))
    let stride = (exponents.1 - exponents.0 + 7) / 8
    return Swift.stride(from: exponents.0, through: exponents.1, by: stride).map {
      let value = pow(10, Double($0))
      return (value, Wording.mark(value, step: value))
    }
  }

  /// Smaller powers of ten are not normal numbers.
  private static let leastExponent = -307.0

  /// About five steps of 1, 2 or 5 times a power of ten.
  private static func step(_ width: Double) -> Double {
    let rough = width / 5
    let power = pow(10, floor(log10(rough)))
    return power * ([1, 2, 5].first { $0 >= rough / power - 1e-9 } ?? 10)
  }
}
