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
    let cosine = branch.cosine ?? 0
    let sine = max(0, 1 - cosine * cosine).squareRoot()
    let deviations = (
      branch.meanSquares.0.squareRoot(), branch.meanSquares.1.squareRoot()
    )
    // These streams differ from those of all inputs, for every seed.
    var random = RandomStream(seed: 1, stream: 1 << 32 | stream)
    var (first, second) = ([Double](), [Double]())
    first.reserveCapacity(pair.x.count)
    second.reserveCapacity(pair.x.count)
    var (active, activeSquares, squares) = (0, 0.0, 0.0)
    for (x, y) in zip(pair.x, pair.y) {
      let (z, other) = (random.normal(), random.normal())
      let sum = factor * (x + deviations.0 * z)
      first.append(activation(sum))
      second.append(activation(factor * (y + deviations.1 * (cosine * z + sine * other))))
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
