internal import IsometryCore
internal import RealModule

extension ActivationFunction {
  /// log φ′², up to a constant that makes it small where φ is nearly linear. It is −∞ only where the
  /// slope is 0 or, for a user's activation, underflows Double.
  var logSquaredSlope: @Sendable (Double) -> Double {
    switch known {
    case .tanh: return { -4 * logCosh($0) }
    case .sigmoid: return { -4 * logCosh($0 / 2) }
    case .erf: return { -2 * $0 * $0 }
    case .unitErf: return { -.pi / 2 * $0 * $0 }
    case .softplus: return { -2 * (max(-$0, 0) + .log(onePlus: .exp(-abs($0)))) }
    case .elu(let alpha): return { $0 > 0 ? 0 : 2 * (.log(abs(alpha)) + $0) }
    case .selu: return { $0 > 0 ? 0 : 2 * (.log(Activation.seluAlpha) + $0) }
    case .gelu: return { 2 * logGELUSlope($0) }
    case .silu: return { 2 * logSiLUSlope($0) }
    case .linear, .relu, .leakyReLU, .hardTanh, .shiftedReLU, nil:
      let slope = slope
      return { 2 * .log(abs(slope($0))) }
    }
  }

  /// Whether φ′(−x) = φ′(x) is known.
  var hasEvenSlope: Bool {
    switch known {
    case .linear, .tanh, .hardTanh, .sigmoid, .erf, .unitErf: true
    case .relu, .leakyReLU, .selu, .elu, .softplus, .silu, .gelu, .shiftedReLU, nil: false
    }
  }

  /// Whether |φ′| > 0 comes arbitrarily close to 0.
  var hasSlopesNearZero: Bool {
    switch known {
    case .linear, .relu, .leakyReLU, .hardTanh, .shiftedReLU: return false
    case .tanh, .sigmoid, .erf, .unitErf, .selu, .elu, .softplus, .silu, .gelu: return true
    case nil:
      if !slopeZeros.isEmpty { return true }
      // The tails far from 0. A slope that is 0 there but not closer to 0 is 0 by definition.
      return [-1, 1].contains { side in
        let (middle, far) = (abs(slope(side * 32)), abs(slope(side * 1e12)))
        return middle > 0 && far < 1e-6 * middle
      }
    }
  }

  /// Whether φ′ is constant by definition between kinks from x on, given that Double shows no
  /// difference. The slopes of smooth activations saturate but never become constant.
  func isSlopeConstant(from x: Double) -> Bool {
    switch known {
    case .linear, .relu, .leakyReLU, .hardTanh, .shiftedReLU, nil: true
    case .selu, .elu: x >= 0
    case .tanh, .sigmoid, .erf, .unitErf, .softplus, .silu, .gelu: false
    }
  }

  /// The points on [−32, 32] at which φ′ changes its sign. Its logarithm has a pole there.
  var slopeZeros: [Double] {
    switch known {
    case .silu, .gelu, nil: break
    case .linear, .relu, .leakyReLU, .tanh, .hardTanh, .sigmoid, .erf, .unitErf, .selu, .elu,
      .softplus, .shiftedReLU:
      return []
    }
    let points = (0...512).map { (Double($0) - 256) / 8 + 1e-3 }
    let slopes = points.map(slope)
    return (1..<points.count).compactMap { index in
      slopes[index - 1] * slopes[index] < 0
        ? RootFinding.brent(in: points[index - 1]...points[index], slope) : nil
    }
  }

  /// The points on [−32, 32] at which |φ′| is largest or smallest between its zeros. The squared slope
  /// is monotone between these points, its zeros and its kinks.
  var slopeExtremes: [Double] {
    switch known {
    case .linear, .relu, .leakyReLU, .hardTanh, .selu, .elu, .softplus, .shiftedReLU: return []
    case .tanh, .sigmoid, .erf, .unitErf: return [0]
    case .gelu: return [-2.0.squareRoot(), 2.0.squareRoot()]
    case .silu:
      // φ″ = s(x)·s(−x)·(2 − x·tanh(x/2))
      let root = RootFinding.brent(in: 2...3) { $0 * .tanh($0 / 2) - 2 } ?? 2.4
      return [-root, root]
    case nil: return ownSlopeExtremes
    }
  }

  private var ownSlopeExtremes: [Double] {
    let points = (0...512).map { (Double($0) - 256) / 8 + 1e-3 }
    let sizes = points.map { abs(slope($0)) }
    return (1..<points.count - 1).compactMap { index in
      let (before, after) = (sizes[index] - sizes[index - 1], sizes[index + 1] - sizes[index])
      guard before * after < 0 else { return nil }
      // Golden-section search.
      let sign = before > 0 ? 1.0 : -1
      var (low, high) = (points[index - 1], points[index + 1])
      let ratio = 0.6180339887498949
      while high - low > 1e-9 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
        if sign * abs(slope(left)) > sign * abs(slope(right)) { high = right } else { low = left }
      }
      return (low + high) / 2
    }
  }

  /// Whether φ′, nonzero at `open` and 0 at `closed`, is 0 at `closed` by definition, as for ReLU. The
  /// alternative is underflow of Double, as in the tail of a Gaussian.
  func vanishesByDefinition(from open: Double, to closed: Double) -> Bool {
    // The logarithms of the package's slopes do not underflow.
    guard known == nil else { return true }
    var (last, first) = (open, closed)
    while true {
      let middle = last + (first - last) / 2
      guard middle != last, middle != first else { break }
      if slope(middle) == 0 { first = middle } else { last = middle }
    }
    // A short step back, a slope that falls like a power is large. A slope that decays is still tiny.
    let step = 1e-3 * max(1, abs(last))
    return abs(slope(last + (open < closed ? -step : step))) > 1e-250
  }
}

private func logCosh(_ x: Double) -> Double {
  let size = abs(x)
  guard size > 1 else {
    let half = Double.sinh(size / 2)
    return .log(onePlus: 2 * half * half)
  }
  return size + .log(onePlus: .exp(-2 * size)) - .log(2)
}

/// log |Φ(x) + x·g(x)|. In the left tail it is log g(x) + log(|x| − R) with Mills' ratio R = Φ(x)/g(x).
private func logGELUSlope(_ x: Double) -> Double {
  guard x < -1 else {
    let density = 0.3989422804014327 * Double.exp(-x * x / 2)
    return .log(abs(SpecialFunctions.normalCDF(x) + x * density))
  }
  let ratio = 1.2533141373155003 * SpecialFunctions.erfcx(-x * 0.7071067811865476)
  return -x * x / 2 - 0.9189385332046727 + .log(-x - ratio)
}

/// log |s(x)·(1 + x·s(−x))|, where s is the logistic function.
private func logSiLUSlope(_ x: Double) -> Double {
  guard x < 0 else {
    let decay = Double.exp(-x)
    let below = decay / (1 + decay)
    return .log(onePlus: -below) + .log(onePlus: x * below)
  }
  let growth = Double.exp(x)
  return x - .log(onePlus: growth) + .log(abs(1 + x / (1 + growth)))
}
