internal import IsometryCore

/// φ(factor · (x + g)) and φ(factor · (y + g̃)), with Gaussian g and g̃ independent of the signals. It
/// models a block with an identity skip. Since the signals are not Gaussian, the expectation over g
/// uses one random draw per element.
struct RectifiedSum {
  let pair: SignalPair
  /// The mean of φ′² over the active elements of x.
  let activeSlope: Double
  /// The mean of φ′² over all elements.
  let slope: Double

  /// - Parameters:
  ///   - branch: the moments of g for the two signals.
  ///   - stream: distinguishes the blocks' draws.
  init(
    of pair: (x: [Double], y: [Double]), adding branch: SignalMoments, scaledBy factor: Double,
    through activation: Activation, stream: UInt64
  ) {
    let draws = branch.draws(pair.x.count, stream: 1 << 32 | stream)
    let second = zip(pair.y, draws).map { activation(factor * ($0 + $1.y)) }
    var first: [Double] = []
    first.reserveCapacity(pair.x.count)
    var (active, activeSquares, squares) = (0, 0.0, 0.0)
    for (x, g) in zip(pair.x, draws) {
      let sum = factor * (x + g.x)
      first.append(activation(sum))
      let slope = activation.derivative(sum)
      squares += slope * slope
      if activation.passesOn(result: x) {
        active += 1
        activeSquares += slope * slope
      }
    }
    self.pair = SignalPair(first, second)
    activeSlope = activeSquares / Double(max(1, active))
    slope = squares / Double(max(1, pair.x.count))
  }
}
