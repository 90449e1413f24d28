internal import RealModule

/// Gaussian moments for all small, or all large variances: half-integer powers of q, times a
/// polynomial.
///
/// For small q the moments of a smooth activation are series in q; with a kink at 0 they are series in
/// √q. For large q they are series in 1/√q, since only the asymptotes and the values near 0 matter.
struct MomentTail {
  typealias Moments = MomentTable.Moments

  enum Side {
    case lower, upper

    /// The variance at which the tail begins.
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

  /// - Returns: nil if the moments are not such powers, as for a logarithm.
  init?(_ activation: ActivationFunction, _ side: Side) {
    // Far out, the polynomial reduces to its first term.
    let far = side == .lower ? 0x1p-120 : 0x1p120
    guard let near = try? Moments(activation.moments(variance: 4 * far)),
      let here = try? Moments(activation.moments(variance: far))
    else { return nil }
    var powers = SIMD4<Int>()
    for index in powers.indices {
      // The mean of an odd activation is a rounding error, which has no power.
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

  /// √q for the polynomial's argument 2u − 1 in −1…1, with u = √(q/end) or √(end/q).
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

  /// Whether the polynomial is accurate between the nodes. It is not for an activation that varies on
  /// other scales.
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
