public import IsometryCore

/// The attributes of the two operations of an optimizer whose update is orthogonal: `momentumDirections`
/// and `orthogonalUpdate`. `Graph.orthogonalized` stands between them.
///
/// They work on parameters of one shape, [out, in] or [K, C, R, S], with momentum. Each has a matrix: the
/// parameter itself, or [R·S·C, K] for a convolution's weight. `matrix(_:)` gives its shape.
///
/// - Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
public struct OrthogonalUpdate: Sendable, Hashable {
  /// μ: m ← μ·m + g.
  public var momentum: Double
  /// Whether the direction is g + μ·m, or else m; both with the new m.
  public let nesterov: Bool
  /// Whether each parameter is scaled to the Frobenius norm √(its outputs, out or K) before the step.
  public let keepsNorm: Bool
  /// λ, decoupled: p −= η·λ·p.
  public var weightDecay: Double
  /// The factor of the schedule's learning rate.
  public var learningRateScale: Double
  /// Whether gradients are multiplied by the result of a `GradientScale` first. A scale of 0 skips the step.
  public var hasGradientScale: Bool

  /// An update; by default with a fixed norm, Nesterov momentum, and no decay.
  public init(
    momentum: Double, nesterov: Bool = true, keepsNorm: Bool = true, weightDecay: Double = 0,
    learningRateScale: Double = 1, hasGradientScale: Bool = false
  ) {
    self.momentum = momentum
    self.nesterov = nesterov
    self.keepsNorm = keepsNorm
    self.weightDecay = weightDecay
    self.learningRateScale = learningRateScale
    self.hasGradientScale = hasGradientScale
  }

  /// The direction is `gradientShare`·g + `momentumShare`·m with the old m.
  package var gradientShare: Double { nesterov ? 1 + momentum : 1 }
  /// See `gradientShare`.
  package var momentumShare: Double { nesterov ? momentum * momentum : momentum }

  /// The term that is added to the norm of a direction, so that a gradient of zeros gives zeros.
  public static let epsilon = 1e-12

  /// Rows and columns of a parameter's matrix.
  package static func matrix(_ shape: Shape) -> (rows: Int, columns: Int) {
    shape.rank == 4
      ? (shape[1] * shape[2] * shape[3], shape[0]) : (shape[0], shape[1])
  }

  /// The number of inputs of `orthogonalUpdate` before the first parameter.
  package var headerCount: Int { hasGradientScale ? 3 : 2 }

  /// The positions of parameter, gradient and momentum of each parameter of `orthogonalUpdate`.
  package func inputRanges(count: Int) -> [Range<Int>] {
    (0..<count).map { headerCount + 3 * $0..<headerCount + 3 * ($0 + 1) }
  }

  /// [gradient scale [1],] (gradient, momentum)… → [L, rows, columns]
  func directionsType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let header = hasGradientScale ? 1 : 0
    guard inputs.count >= header + 2, (inputs.count - header) % 2 == 0 else {
      throw ShapeError("takes a gradient and a momentum for each parameter")
    }
    let type = inputs[header]
    try checkHeader(inputs.prefix(header), type)
    for other in inputs.dropFirst(header) { try requireSame(other, type) }
    let (rows, columns) = Self.matrix(type.shape)
    return TensorType([(inputs.count - header) / 2, rows, columns], type.dtype)
  }

  /// schedule [2], [gradient scale [1],] directions [L, rows, columns], (parameter, gradient, momentum)…
  func checkUpdate(_ inputs: [TensorType], count: Int) throws(ShapeError) {
    try requireCount(inputs, headerCount + 3 * count)
    guard count > 0 else { throw ShapeError("an update has at least one parameter") }
    try requireSchedule(inputs[0])
    let type = inputs[headerCount]
    try checkHeader(inputs[1..<headerCount - 1], type)
    for other in inputs.dropFirst(headerCount) { try requireSame(other, type) }
    let (rows, columns) = Self.matrix(type.shape)
    try requireSame(inputs[headerCount - 1], TensorType([count, rows, columns], type.dtype))
  }

  private func checkHeader(
    _ scale: ArraySlice<TensorType>, _ type: TensorType
  ) throws(ShapeError) {
    guard type.shape.rank == 2 || type.shape.rank == 4, type.dtype == type.dtype.accumulator else {
      throw ShapeError("\(type) should be a weight, [out, in] or [K, C, R, S], of 32 or 64 bits")
    }
    for input in scale { try requireSame(input, TensorType([1], type.dtype)) }
  }
}

/// The polynomial a·x + b·x³ + c·x⁵ that is applied to singular values repeatedly.
public struct NewtonSchulz: Sendable, Hashable {
  /// The coefficients of x, x³ and x⁵.
  public let coefficients: [Double]
  /// How often the polynomial is applied.
  public let iterations: Int

  /// Three iterations with the coefficients of Jordan et al. (2024). Singular values from 0.02 to 1 end
  /// between about 0.7 and 1.2. Smaller ones grow by a factor of up to 41.
  public static let `default` = NewtonSchulz(
    coefficients: [3.4445, -4.7750, 2.0315], iterations: 3)

  /// An iteration with three coefficients; that of x⁵ is not 0.
  public init(coefficients: [Double], iterations: Int) {
    precondition(coefficients.count == 3 && coefficients[2] != 0, "the polynomial is quintic")
    precondition(iterations > 0, "a number of iterations is positive")
    self.coefficients = coefficients
    self.iterations = iterations
  }
}

extension Graph {
  /// Brings the singular values of each matrix near 1, by X ← X·(a + b·XᵀX + c·(XᵀX)²) repeatedly.
  /// Wide matrices take the same polynomial of XXᵀ on the left.
  ///
  /// - Parameters:
  ///   - x: [L, rows, columns] with singular values of at most 1.
  ///   - dtype: of the products; the result has the type of `x`.
  public mutating func orthogonalized(
    _ x: Value, _ iteration: NewtonSchulz = .default, in dtype: DType
  ) -> Value {
    let (a, b, c) = (
      iteration.coefficients[0], iteration.coefficients[1], iteration.coefficients[2]
    )
    let isWide = shape(of: x)[1] < shape(of: x)[2]
    var y = cast(x, to: dtype)
    for _ in 0..<iteration.iterations {
      let square = matrixMultiply(y, y, transposeLeft: !isWide, transposeRight: isWide)
      // The bracket divided by c: each product then has an addend and no factor.
      let bracket = add(matrixMultiply(square, square), scale(square, by: b / c))
      let product = isWide ? matrixMultiply(bracket, y) : matrixMultiply(y, bracket)
      y = scale(add(product, scale(y, by: a / c)), by: c)
    }
    return cast(y, to: type(of: x).dtype)
  }
}
