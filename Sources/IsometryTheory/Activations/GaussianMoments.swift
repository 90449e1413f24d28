internal import IsometryCore

/// Expectations of an activation φ and of its slope at a Gaussian pre-activation h ~ N(0, q).
public struct GaussianMoments: Sendable, Hashable {
  /// E φ(h).
  public var mean: Double
  /// E φ(h)².
  public var meanSquare: Double
  /// E φ′(h)².
  public var slopeSquare: Double
  /// E φ′(h)⁴.
  public var slopeFourth: Double
}

extension ActivationFunction {
  /// The Gaussian moments at the variance q of the pre-activation. They come from a closed form if one
  /// exists, else from quadrature. The relative error is below 1e−12 for q in [1e−8, 1e4] for the
  /// package's activations.
  ///
  /// - Parameter q: variance, positive and finite.
  /// - Throws: `TheoryError.outsideDomain` for any other q, or if the activation has no finite moments.
  /// - Complexity: about 100 ns in closed form, about 20 µs by quadrature.
  public func moments(variance q: Double) throws(TheoryError) -> GaussianMoments {
    try TheoryError.require(q > 0 && q.isFinite, "the variance q", q, "positive and finite")
    let moments = known?.moments(variance: q) ?? quadratureMoments(variance: q)
    try TheoryError.require(
      moments.isFinite, "the variance q", q,
      "one at which \(name) and its slope have finite moments")
    return moments
  }

  /// Whether the moments have a closed form, which is cheap.
  var hasClosedForm: Bool {
    switch known {
    case .linear, .relu, .leakyReLU, .hardTanh, .erf, .unitErf, .selu, .elu, .shiftedReLU: true
    case .tanh, .sigmoid, .softplus, .silu, .gelu, nil: false
    }
  }

  /// Whether φ(s·x) = s·φ(x) for s > 0 is known. The slope then has the same law at every variance.
  var isHomogeneous: Bool {
    switch known {
    case .linear, .relu, .leakyReLU: true
    case .hardTanh, .erf, .unitErf, .selu, .elu, .shiftedReLU, .tanh, .sigmoid, .softplus, .silu,
      .gelu, nil:
      false
    }
  }
}

extension GaussianMoments {
  var isFinite: Bool {
    mean.isFinite && meanSquare.isFinite && slopeSquare.isFinite && slopeFourth.isFinite
  }
}

extension Activation {
  /// - Precondition: q is positive and finite.
  func moments(variance q: Double) -> GaussianMoments {
    switch self {
    case .linear: GaussianMoments(mean: 0, meanSquare: q, slopeSquare: 1, slopeFourth: 1)
    case .relu: leakyMoments(slope: 0, variance: q)
    case .leakyReLU(let slope): leakyMoments(slope: slope, variance: q)
    case .hardTanh: hardTanhMoments(variance: q)
    case .shiftedReLU: shiftedReLUMoments(variance: q)
    case .erf: errorFunctionMoments(scaleSquare: 1, variance: q)
    case .unitErf: errorFunctionMoments(scaleSquare: .pi / 4, variance: q)
    case .elu(let alpha): exponentialMoments(scale: 1, alpha: alpha, variance: q)
    case .selu:
      exponentialMoments(scale: Self.seluScale, alpha: Self.seluAlpha, variance: q)
    case .tanh, .sigmoid, .softplus, .silu, .gelu: smoothMoments(variance: q)
    }
  }
}
