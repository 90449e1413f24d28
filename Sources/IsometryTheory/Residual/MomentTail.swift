internal import RealModule

/// Gaussian moments for all small, or all large variances: a half-integer power of q each, times a
/// polynomial.
///
/// For small q a smooth activation's moments are series in q, and with a kink at 0 in √q; for large q,
/// where only its asymptotes and what is near 0 tell, they are series in 1/√q.
struct MomentTail {
  typealias Moments = MomentTable.Moments

  enum Side {
    case lower, upper

    /// The variance at which it begins.
    var end: Double {
      switch self {
      case .lower: 0x1p-24
      case .upper: 0x1p24
      }
    }
  }

  private static let nodeCount = 9

  private let side: Side
  private let powers: SIMD4<Int>  // of √q
  private let coefficients: [Moments]

  /// - Returns: nil where the moments are no such powers, as a logarithm's are not.
  init?(_ activation: ActivationFunction, _ side: Side) {
    // Far out, where the polynomial is its first term.
    let far = side == .lower ? 0x1p-120 : 0x1p120
    guard let near = try? Moments(activation.moments(variance: 4 * far)),
      let here = try? Moments(activation.moments(variance: far))
    else { return nil }
    var powers = SIMD4<Int>()
    for index in powers.indices {
      // A mean of an odd activation is rounding, which has no power.
      let isNone = abs(here[index]) <= (index == 0 ? 1e-12 * here[1].squareRoot() : 0)
      let power = isNone ? 0 : Double.log2(near[index] / here[index])
      guard abs(power - power.rounded()) < 1e-6 else { return nil }
      powers[index] = Int(power.rounded())
    }
    let coefficients = try? MomentTable.coefficients(count: Self.nodeCount) {
      x throws(TheoryError) in
      let root = Self.root(side, at: x)
      return Moments(try activation.moments(variance: root * root)) / Self.factors(powers, root)
    }
    guard let coefficients else { return nil }
    (self.side, self.powers, self.coefficients) = (side, powers, coefficients)
    guard isAccurate(activation) else { return nil }
  }

  /// √q for the polynomial's argument in −1…1, which is 2u − 1 with u = √(q/end) or √(end/q).
  private static func root(_ side: Side, at x: Double) -> Double {
    let u = (1 + x) / 2
    let end = side.end.squareRoot()
    return side == .lower ? end * u : end / u
  }

  private static func factors(_ powers: SIMD4<Int>, _ root: Double) -> Moments {
    var factors = Moments()
    for index in powers.indices {
      switch powers[index] {
      case -1: factors[index] = 1 / root
      case 0: factors[index] = 1
      case 1: factors[index] = root
      case 2: factors[index] = root * root
      default: factors[index] = .pow(root, powers[index])
      }
    }
    return factors
  }

  /// Between the nodes, where an activation that varies on other scales would show it.
  private func isAccurate(_ activation: ActivationFunction) -> Bool {
    [-0.9, 0.3, 1].allSatisfy { x in
      let root = Self.root(side, at: x)
      guard let exact = try? Moments(activation.moments(variance: root * root)) else {
        return false
      }
      let found = moments(variance: root * root)
      return exact.indices.allSatisfy { index in
        let scale = index == 0 ? exact[1].squareRoot() : exact[index]
        return abs(found[index] - exact[index]) <= 1e-13 * scale
      }
    }
  }

  /// - Precondition: q is beyond the side's end.
  func moments(variance q: Double) -> Moments {
    let root = q.squareRoot()
    let end = side.end.squareRoot()
    let u = side == .lower ? root / end : end / root
    return MomentTable.sum(coefficients, at: 2 * u - 1) * Self.factors(powers, root)
  }
}

extension MomentTable.Moments {
  init(_ moments: GaussianMoments) {
    self.init(moments.mean, moments.meanSquare, moments.slopeSquare, moments.slopeFourth)
  }
}

extension GaussianMoments {
  init(_ values: MomentTable.Moments) {
    self.init(
      mean: values[0], meanSquare: values[1], slopeSquare: values[2], slopeFourth: values[3])
  }
}
