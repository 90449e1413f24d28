/// Root finding for continuous functions of one variable in a bracket at whose ends the signs differ.
package enum RootFinding {
  /// The root by Brent's method: inverse quadratic and secant steps inside a bracket, with bisection as
  /// the fallback. A smooth function takes about ten evaluations.
  ///
  /// - Parameters:
  ///   - tolerance: the largest accepted error of the root, in addition to 4 ulp of the root.
  /// - Returns: nil if the signs at the ends are equal, or a value is NaN.
  /// - Source: Brent, "Algorithms for minimization without derivatives" (1973), chapter 4.
  package static func brent(
    in bracket: ClosedRange<Double>, tolerance: Double = 0, _ function: (Double) -> Double
  ) -> Double? {
    var contrapoint = bracket.lowerBound
    var best = bracket.upperBound
    var atContrapoint = function(contrapoint)
    var atBest = function(best)
    if atContrapoint == 0 { return contrapoint }
    if atBest == 0 { return best }
    guard atContrapoint.sign != atBest.sign, !atContrapoint.isNaN, !atBest.isNaN else { return nil }
    var previous = contrapoint
    var atPrevious = atContrapoint
    var step = best - contrapoint
    var stepBefore = step
    while true {
      if abs(atContrapoint) < abs(atBest) {
        (previous, best, contrapoint) = (best, contrapoint, best)
        (atPrevious, atBest, atContrapoint) = (atBest, atContrapoint, atBest)
      }
      let accuracy = 2 * best.ulp + tolerance / 2
      let toMiddle = (contrapoint - best) / 2
      if abs(toMiddle) <= accuracy || atBest == 0 { return best }
      if abs(stepBefore) >= accuracy, abs(atPrevious) > abs(atBest) {
        let ratio = atBest / atPrevious
        var numerator: Double
        var denominator: Double
        if previous == contrapoint {
          numerator = 2 * toMiddle * ratio
          denominator = 1 - ratio
        } else {
          let first = atPrevious / atContrapoint
          let second = atBest / atContrapoint
          numerator =
            ratio * (2 * toMiddle * first * (first - second) - (best - previous) * (second - 1))
          denominator = (first - 1) * (second - 1) * (ratio - 1)
        }
        if numerator > 0 { denominator = -denominator } else { numerator = -numerator }
        let limit = min(
          3 * toMiddle * denominator - abs(accuracy * denominator), abs(stepBefore * denominator))
        if 2 * numerator < limit {
          stepBefore = step
          step = numerator / denominator
        } else {
          step = toMiddle
          stepBefore = step
        }
      } else {
        step = toMiddle
        stepBefore = step
      }
      previous = best
      atPrevious = atBest
      best += abs(step) > accuracy ? step : (toMiddle > 0 ? accuracy : -accuracy)
      atBest = function(best)
      if atBest.isNaN { return nil }
      if atBest.sign == atContrapoint.sign {
        contrapoint = previous
        atContrapoint = atPrevious
        step = best - previous
        stepBefore = step
      }
    }
  }
}
