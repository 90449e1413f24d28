internal import ComplexModule
internal import RealModule

/// The continuous part of a law whose curve w(λ) is computed numerically. It is stored as Chebyshev
/// series on pieces that are halved until the truncation error reaches rounding.
///
/// The parameter u in [0, 1] runs from the lower to the upper edge. log |ζ| is quadratic in the
/// distance from both edges, which makes square-root edges smooth. A piece stores Im w relative to its
/// size on the piece, or v = (w + ih)/(w − ih). v is finite at a pole of w. A pole appears where an
/// atom has just vanished.
struct CurveTable: Sendable {
  struct Sample {
    let logLambda: Double
    let survival: Double
    let w: Complex<Double>
  }

  private struct Piece: Sendable {
    let range: ClosedRange<Double>  // in u
    let logLambda: [Double]
    let survival: [Double]
    let height: Height
    let lowest: Double  // log λ at the lower end
  }

  /// −Im w
  private enum Height: Sendable {
    case series([Double])
    /// Re v and Im v.
    case pole([Double], [Double])
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
      builder.append(from: Double(index) / 4, to: Double(index + 1) / 4, 2)
    }
    pieces = builder.pieces
  }

  /// The point at a share in 0…1 of the way from the lower to the upper edge. Each piece counts as an
  /// equal part, and pieces are small where the law varies.
  func point(atShare share: Double) -> SpectralPoint {
    let place = min(max(share, 0), 1) * Double(pieces.count)
    let index = min(Int(place), pieces.count - 1)
    let range = pieces[index].range
    let u = range.lowerBound + (range.upperBound - range.lowerBound) * (place - Double(index))
    return point(at: u, in: pieces[index])
  }

  func point(atLog t: Double) -> SpectralPoint {
    let piece = pieces.last { $0.lowest <= t } ?? pieces[0]
    let root = RootFinding.brent(in: piece.range) { u in
      Self.sum(piece.logLambda, at: Self.argument(u, in: piece.range)) - t
    }
    // Between two series that differ by a rounding error there may be no root.
    let isBelow = Self.sum(piece.logLambda, at: -1) > t
    return point(
      at: root ?? (isBelow ? piece.range.lowerBound : piece.range.upperBound), in: piece)
  }

  private func point(at u: Double, in piece: Piece) -> SpectralPoint {
    let x = Self.argument(u, in: piece.range)
    let height: Double
    switch piece.height {
    case .series(let series): height = Self.sum(series, at: x)
    case .pole(let realSeries, let imaginarySeries):
      let real = Self.sum(realSeries, at: x)
      let imaginary = Self.sum(imaginarySeries, at: x)
      // −Im w = h·(1 − |v|²)/|1 − v|²
      let below = (1 - real) * (1 - real) + imaginary * imaginary
      height = self.height * ((1 - real) * (1 + real) - imaginary * imaginary) / below
    }
    return SpectralPoint(
      logLambda: Self.sum(piece.logLambda, at: x), logDensity: max(0, height / .pi),
      survival: min(max(Self.sum(piece.survival, at: x), 0), 1))
  }

  /// u mapped to −1…1.
  private static func argument(_ u: Double, in range: ClosedRange<Double>) -> Double {
    let (low, high) = (range.lowerBound, range.upperBound)
    return ((u - low) - (high - u)) / (high - low)
  }

  /// Clenshaw's recurrence for a Chebyshev series.
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
    /// The width of the support in log λ.
    let width: Double
    var pieces: [Piece] = []
    /// The angle at the node solved before, from which Newton's method starts; nil on the real axis.
    var guess: Double?

    mutating func append(
      from low: Double, to high: Double, _ halvings: Int, parentError: Double = .infinity
    ) {
      let (piece, error) = piece(from: low, to: high)
      // If halving no longer helps, the remaining error is rounding.
      let isRounding = parentError < 1e-8 && error > parentError / 4
      if error < 1e-11 || isRounding || halvings >= CurveTable.mostHalvings || pieces.count > 400 {
        pieces.append(piece)
        return
      }
      let middle = (low + high) / 2
      append(from: low, to: middle, halvings + 1, parentError: error)
      append(from: middle, to: high, halvings + 1, parentError: error)
    }

    private mutating func piece(from low: Double, to high: Double) -> (Piece, error: Double) {
      let count = CurveTable.count
      var samples: [Sample] = []
      // Chebyshev's nodes descend from the upper end.
      for node in (0..<count).reversed() {
        let x = CurveTable.cosines[node][1]
        let u = (low + high) / 2 + (high - low) / 2 * x
        let solved = curve.solve(logRadius: logRadius(at: u), near: guess)
        guess = solved.angle > curve.leastAngle ? solved.angle : nil
        samples.append(curve.sample(solved))
      }
      samples.reverse()
      let logLambda = Self.coefficients(samples.map(\.logLambda))
      let survival = Self.coefficients(samples.map(\.survival))
      let range = abs(samples[0].logLambda - samples[count - 1].logLambda)
      let (height, heightError) = self.height(samples, range: range)
      // The error is relative. In tails it counts only as far as it displaces mass.
      let density = samples.reduce(0) { max($0, -$1.w.imaginary) } / .pi
      let logError =
        Self.error(logLambda) * min(1 / max(range, 1e-3 * min(width, 1)), 10 * density)
      let piece = Piece(
        range: low...high, logLambda: logLambda, survival: survival, height: height,
        lowest: low == 0 ? -.infinity : CurveTable.sum(logLambda, at: -1))
      return (piece, max(logError, Self.error(survival), heightError))
    }

    /// The series of −Im w and their error. The error is relative; in tails it is relative to the
    /// height that 1/1000 of the mass would have.
    private func height(_ samples: [Sample], range: Double) -> (Height, error: Double) {
      let heights = samples.map { -$0.w.imaginary }
      let largest = heights.reduce(0, max)
      let series = Self.coefficients(heights)
      let error = Self.error(series) / max(largest, 1e-3 * .pi / range)
      guard error > 1e-11, largest > curve.height else { return (.series(series), error) }
      let ratios = samples.map { sample in
        (sample.w + Complex(0, curve.height)) / (sample.w - Complex(0, curve.height))
      }
      let (real, imaginary) = (
        Self.coefficients(ratios.map(\.real)), Self.coefficients(ratios.map(\.imaginary))
      )
      let poleError = max(Self.error(real), Self.error(imaginary))
      return poleError < error ? (.pole(real, imaginary), poleError) : (.series(series), error)
    }

    /// The truncation error, estimated from the last coefficients.
    private static func error(_ coefficients: [Double]) -> Double {
      coefficients.suffix(3).reduce(0) { max($0, abs($1)) }
    }

    private func logRadius(at u: Double) -> Double {
      let span = radii.upperBound - radii.lowerBound
      let sine = Double.sin(.pi / 2 * min(u, 1 - u))
      return u < 0.5
        ? radii.lowerBound + span * sine * sine : radii.upperBound - span * sine * sine
    }

    private static func coefficients(_ values: [Double]) -> [Double] {
      (0..<values.count).map { order in
        let sum = values.indices.reduce(0) { $0 + values[$1] * CurveTable.cosines[$1][order] }
        return (order == 0 ? 1 : 2) / Double(values.count) * sum
      }
    }
  }
}
