internal import RealModule

/// An angular parameter in (0, π) that keeps Double's accuracy near both ends.
struct SpectralAngle {
  let angle: Double
  let complement: Double  // π − angle

  init(_ angle: Double) {
    self.angle = angle
    complement = .pi - angle
  }

  init(complement: Double) {
    self.complement = complement
    angle = .pi - complement
  }

  var isInLowerHalf: Bool { angle <= .pi / 2 }

  var sine: Double { isInLowerHalf ? .sin(angle) : .sin(complement) }

  /// sin(angle − step) for 0 ≤ step ≤ angle, where `difference` is angle − step.
  func sine(less step: Double, difference: Double) -> Double {
    isInLowerHalf ? .sin(difference) : .sin(complement + step)
  }

  /// log(sin(angle)/sin(angle − step)). The quotient is near 1 for the small steps of deep networks.
  func logSineRatio(less step: Double, difference: Double) -> Double {
    let below = sine(less: step, difference: difference)
    let middleCosine =
      isInLowerHalf
      ? Double.cos(difference + step / 2) : -.cos(complement + step / 2)
    let excess = 2 * middleCosine * .sin(step / 2) / below
    return excess > -0.5 ? .log(onePlus: excess) : .log(sine / below)
  }
}

/// A law whose continuous part is an explicit curve. An angle in (0, π) gives log λ, the density of log
/// λ and the survival function. log λ falls from the upper edge at angle 0 to the lower edge at π.
///
/// On the curve w = u − iy, z(w) is real and positive, and the density of log λ is y/π. Neither
/// branches nor square-root edges have to be resolved.
///
/// - Source: docs/theory.md, "The density without solving an equation" and "The spectrum".
protocol AngularLaw: SpectralLaw {
  /// log λ at the upper edge of the continuous part.
  var logUpperEdge: Double { get }
  /// log λ at the lower edge; −∞ if the continuous part reaches down to 0.
  var logLowerEdge: Double { get }
  var continuousMass: Double { get }

  func logLambda(at angle: SpectralAngle) -> Double
  func logDensity(at angle: SpectralAngle) -> Double
  /// P(λ' > λ), including atoms above λ.
  func survival(at angle: SpectralAngle) -> Double
}

/// The logarithm of the complement of an angle below which mass and density are 0 in Double.
private let logLeastComplement = -690.0

extension AngularLaw {
  public var logSupport: ClosedRange<Double> {
    continuousMass > 0 ? logLowerEdge...logUpperEdge : logUpperEdge...logUpperEdge
  }

  var logLowerEdge: Double { -.infinity }

  public func logDensity(atLog t: Double) -> Double {
    guard continuousMass > 0, t < logUpperEdge else { return 0 }
    guard let angle = angle(atLog: t) else { return t.isNaN ? .nan : 0 }
    return logDensity(at: angle)
  }

  public func survival(atLog t: Double) -> Double {
    guard continuousMass > 0, t < logUpperEdge else {
      // A λ that was rounded before this call still counts as the atom's.
      let slack = 1e-14 * max(1, abs(t))
      return atoms.filter { $0.lambda > 0 && Double.log($0.lambda) > t + slack }
        .map(\.mass).reduce(0, +)
    }
    guard let angle = angle(atLog: t) else {
      return t.isNaN ? .nan : massAboveZero
    }
    return survival(at: angle)
  }

  /// `count` points. Half of them are above the middle of the angle, denser towards the edge. Of the
  /// others, some are equally spaced in log λ and some in the logarithm of the angle's complement. They
  /// end where 10⁻⁴ of the continuous mass is left.
  public func curve(count: Int) -> [SpectralPoint] {
    precondition(count >= 2, "a curve has two points at least")
    guard continuousMass > 0 else { return [] }
    let upper = count / 2
    let lower = count - upper
    var points = lowerComplements(count: lower).map { point(at: SpectralAngle(complement: $0)) }
    points.reserveCapacity(count)
    for index in 0..<upper - 1 {
      points.append(point(at: SpectralAngle(.pi / 2 * (1 - Double(index) / Double(upper - 1)))))
    }
    points.append(
      SpectralPoint(
        logLambda: logUpperEdge, logDensity: 0, survival: survival(atLog: logUpperEdge)))
    return points
  }

  /// Increasing complements in (0, π/2). The last one is below π/2.
  private func lowerComplements(count: Int) -> [Double] {
    let logMiddle = Double.log(.pi / 2)
    let bottom = massAboveZero
    let logLeast =
      RootFinding.brent(in: logLeastComplement...logMiddle, tolerance: 1e-6) {
        bottom - survival(at: SpectralAngle(complement: .exp($0))) - 1e-4 * continuousMass
      } ?? -10
    let lowest = logLambda(at: SpectralAngle(complement: .exp(logLeast)))
    let middle = logLambda(at: SpectralAngle(.pi / 2))
    let byAngle = (count + 1) / 2
    var logs = (0..<byAngle).map {
      logLeast + (logMiddle - logLeast) * (Double($0) / Double(byAngle))
    }
    var from = logLeast
    for index in 0..<count - byAngle {
      let t = lowest + (middle - lowest) * ((Double(index) + 0.5) / Double(count - byAngle))
      from =
        RootFinding.brent(in: from...logMiddle, tolerance: 1e-9) {
          logLambda(at: SpectralAngle(complement: .exp($0))) - t
        } ?? from
      logs.append(from)
    }
    return logs.sorted().map { .exp($0) }
  }

  private var massAboveZero: Double {
    atoms.filter { $0.lambda > 0 }.map(\.mass).reduce(continuousMass, +)
  }

  private func point(at angle: SpectralAngle) -> SpectralPoint {
    SpectralPoint(
      logLambda: logLambda(at: angle), logDensity: logDensity(at: angle),
      survival: survival(at: angle))
  }

  /// The angle of a log λ below the upper edge; nil below the smallest λ that an angle can represent.
  private func angle(atLog t: Double) -> SpectralAngle? {
    if t >= logLambda(at: SpectralAngle(.pi / 2)) {
      return angle(atLog: t, from: logUpperEdge) { SpectralAngle($0) }
    }
    guard logLowerEdge == -.infinity else {
      guard t > logLowerEdge else { return nil }
      return angle(atLog: t, from: logLowerEdge) { SpectralAngle(complement: $0) }
    }
    let logComplement = RootFinding.brent(in: logLeastComplement...(.log(.pi / 2))) {
      logLambda(at: SpectralAngle(complement: .exp($0))) - t
    }
    return logComplement.map { SpectralAngle(complement: .exp($0)) }
  }

  /// The angle of a log λ near an edge, by its distance from the edge. log λ changes with the square of
  /// the distance.
  private func angle(
    atLog t: Double, from edge: Double, _ angle: (_ distance: Double) -> SpectralAngle
  ) -> SpectralAngle? {
    RootFinding.brent(in: 0...(.pi * .pi / 4)) { square in
      (square == 0 ? edge : logLambda(at: angle(square.squareRoot()))) - t
    }.map { angle(max($0, .leastNormalMagnitude).squareRoot()) }
  }
}
