internal import ComplexModule
internal import RealModule

/// The continuous part of a law whose curve w(λ) has to be solved for: series of Chebyshev polynomials
/// on pieces that are halved until the series end in rounding errors.
///
/// The parameter u in [0, 1] runs from the lower to the upper edge such that log |ζ| is quadratic in the
/// distance from both, which makes square-root edges smooth. Of w the series have
/// v = (w + ih)/(w − ih), which is finite where w has a pole, as it has where an atom has just
/// vanished.
struct CurveTable: Sendable {
  /// One solved point.
  struct Sample {
    let logLambda: Double
    let survival: Double
    let w: Complex<Double>
  }

  private struct Piece: Sendable {
    let range: ClosedRange<Double>  // of u
    let logLambda: [Double]
    let survival: [Double]
    let real: [Double]  // Re v
    let imaginary: [Double]
    let lowest: Double  // log λ at the lower end
  }

  private static let count = 20
  /// cos(kπ(j + ½)/n) in row j.
  private static let cosines: [[Double]] = (0..<count).map { node in
    (0..<count).map { .cos(.pi * Double($0) * (Double(node) + 0.5) / Double(count)) }
  }
  private static let mostHalvings = 24

  let logSupport: ClosedRange<Double>
  private let pieces: [Piece]
  private let height: Double

  init(_ curve: SmoothSlopeCurve) {
    let radii = curve.support()
    let ends = [radii.lowerBound, radii.upperBound].map {
      curve.logLambda(curve.solve(logRadius: $0))
    }
    logSupport = ends[0]...max(ends[0], ends[1])
    height = curve.height
    var builder = Builder(curve: curve, radii: radii, width: max(ends[1] - ends[0], 1e-300))
    for index in 0..<4 {
      builder.append(from: Double(index) / 4, to: Double(index + 1) / 4, parentError: .infinity, 2)
    }
    pieces = builder.pieces
  }

  func point(at u: Double) -> SpectralPoint {
    point(at: u, in: last(where: { $0.range.lowerBound <= u }))
  }

  func point(atLog t: Double) -> SpectralPoint {
    let piece = last { $0.lowest <= t }
    let root = RootFinding.brent(in: piece.range) { u in
      Self.sum(piece.logLambda, at: Self.argument(u, in: piece)) - t
    }
    // Between two series that differ by a rounding there may be none.
    let isBelow = Self.sum(piece.logLambda, at: -1) > t
    return point(
      at: root ?? (isBelow ? piece.range.lowerBound : piece.range.upperBound), in: piece)
  }

  /// The last piece of which that is true, or else the first one: it is true up to some piece.
  private func last(where isBelow: (Piece) -> Bool) -> Piece {
    var (low, high) = (0, pieces.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if isBelow(pieces[middle]) { low = middle } else { high = middle }
    }
    return pieces[low]
  }

  private func point(at u: Double, in piece: Piece) -> SpectralPoint {
    let x = Self.argument(u, in: piece)
    let real = Self.sum(piece.real, at: x)
    let imaginary = Self.sum(piece.imaginary, at: x)
    // −Im w = h·(1 − |v|²)/|1 − v|²
    let below = (1 - real) * (1 - real) + imaginary * imaginary
    let above = (1 - real) * (1 + real) - imaginary * imaginary
    return SpectralPoint(
      logLambda: Self.sum(piece.logLambda, at: x), logDensity: max(0, height * above / below / .pi),
      survival: min(max(Self.sum(piece.survival, at: x), 0), 1))
  }

  private static func argument(_ u: Double, in piece: Piece) -> Double {
    let (low, high) = (piece.range.lowerBound, piece.range.upperBound)
    return ((u - low) - (high - u)) / (high - low)
  }

  /// Clenshaw's sum of a series of Chebyshev polynomials.
  private static func sum(_ coefficients: [Double], at x: Double) -> Double {
    var (next, afterNext) = (0.0, 0.0)
    for index in stride(from: coefficients.count - 1, to: 0, by: -1) {
      (next, afterNext) = (coefficients[index] + 2 * x * next - afterNext, next)
    }
    return coefficients[0] + x * next - afterNext
  }

  private struct Builder {
    let curve: SmoothSlopeCurve
    let radii: ClosedRange<Double>
    /// Of the support in log λ.
    let width: Double
    var pieces: [Piece] = []
    private var angle: Double?

    init(curve: SmoothSlopeCurve, radii: ClosedRange<Double>, width: Double) {
      (self.curve, self.radii, self.width) = (curve, radii, width)
    }

    mutating func append(
      from low: Double, to high: Double, parentError: Double, _ halvings: Int
    ) {
      let (piece, error) = piece(from: low, to: high)
      // Where halving helps no more, what is left is rounding.
      let isRounding = parentError < 1e-8 && error > parentError / 4
      if error < 1e-11 || isRounding || halvings >= CurveTable.mostHalvings || pieces.count > 400 {
        pieces.append(piece)
        return
      }
      let middle = (low + high) / 2
      append(from: low, to: middle, parentError: error, halvings + 1)
      append(from: middle, to: high, parentError: error, halvings + 1)
    }

    private mutating func piece(from low: Double, to high: Double) -> (Piece, error: Double) {
      let count = CurveTable.count
      var samples: [Sample] = []
      // Chebyshev's nodes fall from the upper end.
      for node in (0..<count).reversed() {
        let x = CurveTable.cosines[node][1]
        samples.append(sample(at: (low + high) / 2 + (high - low) / 2 * x))
      }
      samples.reverse()
      let ratios = samples.map { sample in
        (sample.w + Complex(0, curve.height)) / (sample.w - Complex(0, curve.height))
      }
      let series = [
        samples.map(\.logLambda), samples.map(\.survival), ratios.map(\.real),
        ratios.map(\.imaginary),
      ].map(Self.coefficients)
      let errors = series.map { coefficients in
        coefficients.suffix(3).reduce(0) { max($0, abs($1)) }
      }
      let piece = Piece(
        range: low...high, logLambda: series[0], survival: series[1], real: series[2],
        imaginary: series[3], lowest: low == 0 ? -.infinity : CurveTable.sum(series[0], at: -1))
      return (piece, max(errors[0] / width, errors[1], errors[2], errors[3]))
    }

    private mutating func sample(at u: Double) -> Sample {
      let span = radii.upperBound - radii.lowerBound
      let sine = Double.sin(.pi / 2 * min(u, 1 - u))
      let logRadius =
        u < 0.5 ? radii.lowerBound + span * sine * sine : radii.upperBound - span * sine * sine
      let solved = curve.solve(logRadius: logRadius, near: angle)
      angle = solved.angle > curve.leastAngle ? solved.angle : nil
      return curve.sample(solved)
    }

    private static func coefficients(_ values: [Double]) -> [Double] {
      (0..<values.count).map { order in
        let sum = values.indices.reduce(0) { $0 + values[$1] * CurveTable.cosines[$1][order] }
        return (order == 0 ? 1 : 2) / Double(values.count) * sum
      }
    }
  }
}
