internal import RealModule

/// The points w at which z(w) = ((1 + w)/w)·exp(c(1 + 2w)) has a given argument. They form a curve in
/// the lower half-plane that corresponds to a ray in the plane of z. On the ray at angle 0 the curve
/// gives the law's density.
///
/// Let w = −½ ± p − iy. The argument of z is α − 2cy, where α is the angle under which w sees the
/// segment [−1, 0]. The inscribed angle gives p² = ¼ + y·cot α − y². So y alone parametrizes the curve,
/// from the point with p = 0, where |z| = 1, down to 0. |log |z|| increases all the way, so each z has
/// a bracket and no branch has to be chosen. With x = α/2, p² = (½cot x − y)(½tan x + y), whose first
/// factor is 0 at p = 0.
///
/// - Source: docs/theory.md, "The density without solving an equation".
struct UniversalRay: Sendable {
  /// The point w = −½ ± distance − i·height, and quantities derived from it.
  struct Point: Sendable {
    let height: Double  // y
    let distance: Double  // p
    /// p − ½.
    let excess: Double
    /// |log |z||.
    let log: Double
    /// x = α/2.
    let halfAngle: Double
  }

  let cumulant: Double
  /// θ/2 for the ray at the angle θ.
  private let start: Double
  /// π/2 − θ/2.
  private let room: Double
  /// c·y, which is x − θ/2, at p = 0.
  private let top: Double
  /// sin x at p = 0.
  private let topSine: Double

  /// - Parameters:
  ///   - angle: θ in [0, π).
  ///   - complement: π − θ, for angles so close to π that the difference has no accuracy.
  init(cumulant: Double, angle: Double, complement: Double? = nil) {
    self.cumulant = cumulant
    let start = angle / 2
    let room = (complement ?? .pi - angle) / 2
    self.start = start
    self.room = room
    // h·tan(h + θ/2) = c/2, in a form without the pole.
    top =
      RootFinding.brent(in: 0...room) { h in
        let x = Self.circular(start + h, room - h)
        return 2 * h * x.sine - cumulant * x.cosine
      } ?? room
    topSine = Self.circular(start + top, room - top).sine
  }

  /// The point with y = cos(angle)·(largest y), angle in [0, π/2]. On the ray at angle 0 its log |z| is
  /// about sin(angle)·(largest log |z|).
  func point(atAngle angle: Double) -> Point {
    if angle < .pi / 3 {
      let half = Double.sin(angle / 2)
      return point(nearTop: 2 * half * half)
    }
    return point(nearEnd: max(0, .sin(.pi / 2 - angle)))
  }

  /// Sine and cosine of x, given with π/2 − x so that neither end of [0, π/2] loses digits.
  private static func circular(_ x: Double, _ rest: Double) -> (sine: Double, cosine: Double) {
    x < .pi / 4 ? (.sin(x), .cos(x)) : (.cos(rest), .sin(rest))
  }

  /// The point with y = share·(largest y); accurate up to a half.
  func point(nearEnd share: Double) -> Point {
    let h = top * share
    let x = start + h
    let y = h / cumulant
    guard x > 0 else {
      // y → 0 on the ray at angle 0: the upper edge.
      let square = 0.25 + 0.5 / cumulant
      return finish(
        height: 0, distance: square.squareRoot(), squareLessQuarter: 0.5 / cumulant, halfAngle: 0)
    }
    let circular = Self.circular(x, room - h)
    let cotangent = circular.cosine / circular.sine
    let square = (1 - 2 * y / cotangent) * (0.25 + 0.5 * y * cotangent)
    return finish(
      height: y, distance: max(0, square).squareRoot(),
      squareLessQuarter: y * (0.5 * cotangent - 0.5 / cotangent - y), halfAngle: x)
  }

  /// The point with y = (1 − rest)·(largest y).
  private func point(nearTop rest: Double) -> Point {
    let back = top * rest
    let h = top - back
    let x = start + h
    let y = h / cumulant
    let circular = Self.circular(x, room - h)
    // ½cot x − y is 0 at the top. This form is a sum of two positive terms.
    let first = 0.5 * .sin(back) / (circular.sine * topSine) + back / cumulant
    let square = first * (y + 0.5 * circular.sine / circular.cosine)
    return finish(
      height: y, distance: square.squareRoot(), squareLessQuarter: square - 0.25, halfAngle: x)
  }

  private func finish(
    height y: Double, distance p: Double, squareLessQuarter: Double, halfAngle: Double
  ) -> Point {
    let excess = squareLessQuarter / (p + 0.5)
    // log |(1 + w)/w| + c·Re(1 + 2w)
    let log = Double.log(onePlus: 2 * p / (excess * excess + y * y)) / 2 + 2 * cumulant * p
    return Point(height: y, distance: p, excess: excess, log: log, halfAngle: halfAngle)
  }
}

extension UniversalRay {
  /// The point with the given |log |z||; nil if there is none. That is the case beyond the edge on the
  /// ray at angle 0.
  func point(atLog log: Double) -> Point? {
    let middle = point(nearEnd: 0.5)
    if log <= middle.log {
      // |log |z|| is proportional to the square root of the distance from the top.
      let root = RootFinding.brent(in: 0...0.5.squareRoot()) { root in
        point(nearTop: root * root).log - log
      }
      return root.map { point(nearTop: $0 * $0) } ?? middle
    }
    if start == 0 {
      return RootFinding.brent(in: 0...0.5) { point(nearEnd: $0).log - log }
        .map(point(nearEnd:))
    }
    // y decreases like 1/|z|. The search in log y keeps its relative accuracy.
    return RootFinding.brent(in: .log(2)...(log + 100)) { point(nearEnd: .exp(-$0)).log - log }
      .map { point(nearEnd: .exp(-$0)) }
  }

  /// The fraction of eigenvalues with log λ above the point's, on the ray at angle 0.
  ///
  /// π times the fraction is arg(1 + w) minus 2cy(p − ½). Near the edge each term is of order y, but
  /// the difference is of order y³.
  func tail(_ point: Point) -> Double {
    let y = point.height
    let slope = y / (0.5 + point.distance)
    guard slope < 0.5 else {
      return (.atan2(y: y, x: 0.5 + point.distance) - 2 * cumulant * y * point.excess) / .pi
    }
    let bend = Self.cotangentGap(2 * point.halfAngle) + 2 * cumulant * y * y
    return max(0, slope * bend - SpecialFunctions.arctangentGap(slope)) / .pi
  }

  /// The point that has a fraction `tail` of the eigenvalues above it, on the ray at angle 0.
  ///
  /// - Precondition: the fraction is in (0, ½].
  func point(atTail tail: Double) -> Point {
    if tail > self.tail(point(nearEnd: 0.5)) {
      let root = RootFinding.brent(in: 0...0.5.squareRoot()) { root in
        self.tail(point(nearTop: root * root)) - tail
      }
      return point(nearTop: root.map { $0 * $0 } ?? 0)
    }
    // The fraction increases with the third power of the distance from the edge.
    let wanted = Double.root(tail, 3)
    let share = RootFinding.brent(in: 0...0.5) {
      .root(self.tail(point(nearEnd: $0)), 3) - wanted
    }
    return point(nearEnd: share ?? 0.5)
  }

  /// 1 − x·cot x for 0 ≤ x < π, which is about x²/3 for small x.
  private static func cotangentGap(_ x: Double) -> Double {
    guard x < 0.4 else { return 1 - x / .tan(x) }
    let s = x * x
    // 2·Σ ζ(2n)(x/π)^{2n}
    let terms: [Double] = [
      1 / 3, 1 / 45, 2 / 945, 1 / 4725, 2 / 93555, 1382 / 638_512_875, 4 / 18_243_225,
      3617 / 162_820_783_125,
    ]
    return s * terms.reversed().reduce(0.0) { $0 * s + $1 }
  }
}
