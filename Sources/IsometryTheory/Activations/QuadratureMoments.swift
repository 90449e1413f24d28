internal import IsometryCore
internal import RealModule

/// The ends of the panels of a Gaussian expectation. Plain Gauss–Hermite quadrature has errors of up to
/// 0.1 for activations. They have kinks, or vary on the scale of 1 inside a Gaussian that can be much
/// wider. The panels therefore follow both scales.
enum GaussianPanels {
  /// The largest |z| that is integrated. The normal density beyond, 1e−32, is negligible.
  static let reach = 12.0

  /// The ends of panels on [0, 12] for a smooth activation that is even or odd up to a linear term.
  static func half(deviation: Double) -> [Double] {
    var ends: [Double] = [0, 1, 2, 4, 6, 8, 10, reach]
    for scale in [0.5, 1, 2, 4, 8, 16, 32] where scale / deviation < reach {
      ends.append(scale / deviation)
    }
    return ends.sorted()
  }

  /// The ends of panels on [−12, 12] for any activation.
  static func whole(deviation: Double, kinks: [Double]) -> [Double] {
    let half = half(deviation: deviation)
    let inside = kinks.map { $0 / deviation }.filter { $0.magnitude < reach }
    return (half.dropFirst().map { -$0 } + half + inside).sorted()
  }
}

extension ActivationFunction {
  func quadratureMoments(variance q: Double) -> GaussianMoments {
    GaussianSamples(variance: q, kinks: kinks).moments { h in
      let y = value(h)
      let slope = slope(h)
      let slopeSquare = slope * slope
      return GaussianMoments(
        mean: y, meanSquare: y * y, slopeSquare: slopeSquare,
        slopeFourth: slopeSquare * slopeSquare)
    }
  }
}

extension Activation {
  /// The moments of the smooth activations without closed forms. Each integrand is folded to x ≥ 0 in a
  /// form with positive terms only, which keeps the relative accuracy for small q.
  func smoothMoments(variance q: Double) -> GaussianMoments {
    let deviation = q.squareRoot()
    return GaussianSamples(
      ends: GaussianPanels.half(deviation: deviation), deviation: deviation, rule: .points32
    ).moments(of: folded(at:))
  }

  /// f(x) + f(−x) for f = φ, φ², φ′², φ′⁴ and x ≥ 0.
  private func folded(at x: Double) -> GaussianMoments {
    switch self {
    case .tanh:
      let y = Double.tanh(x)
      let decay = Double.exp(-2 * x)
      let slope = 4 * decay / ((1 + decay) * (1 + decay))
      return GaussianMoments(
        mean: 0, meanSquare: 2 * y * y, slopeSquare: 2 * slope * slope,
        slopeFourth: 2 * (slope * slope) * (slope * slope))
    case .sigmoid:
      let (above, below) = Self.sigmoids(x)
      let slopeSquare = (above * below) * (above * below)
      return GaussianMoments(
        mean: 1, meanSquare: above * above + below * below, slopeSquare: 2 * slopeSquare,
        slopeFourth: 2 * slopeSquare * slopeSquare)
    case .softplus:
      let (above, below) = Self.sigmoids(x)
      let low = Double.log(onePlus: .exp(-x))
      let high = x + low
      return GaussianMoments(
        mean: high + low, meanSquare: high * high + low * low, slopes: above, below)
    case .silu:
      let (above, below) = Self.sigmoids(x)
      let bend = x * above * below
      return GaussianMoments(
        mean: x * .tanh(x / 2), meanSquare: x * x * (above * above + below * below),
        slopes: above + bend, below - bend)
    case .gelu:
      let above = SpecialFunctions.normalCDF(x)
      let below = SpecialFunctions.normalCDF(-x)
      let bend = x * SpecialFunctions.normalDensity(x)
      return GaussianMoments(
        mean: x * (above - below), meanSquare: x * x * (above * above + below * below),
        slopes: above + bend, below - bend)
    case .linear, .relu, .leakyReLU, .hardTanh, .erf, .unitErf, .selu, .elu, .shiftedReLU:
      preconditionFailure("\(name) has closed forms")
    }
  }

  /// sigmoid(x) and sigmoid(−x) for x ≥ 0.
  private static func sigmoids(_ x: Double) -> (above: Double, below: Double) {
    let decay = Double.exp(-x)
    return (1 / (1 + decay), decay / (1 + decay))
  }
}

extension GaussianMoments {
  /// f(x) + f(−x) with the slopes at x and −x.
  fileprivate init(mean: Double, meanSquare: Double, slopes right: Double, _ left: Double) {
    let (rightSquare, leftSquare) = (right * right, left * left)
    self.init(
      mean: mean, meanSquare: meanSquare, slopeSquare: rightSquare + leftSquare,
      slopeFourth: rightSquare * rightSquare + leftSquare * leftSquare)
  }
}
