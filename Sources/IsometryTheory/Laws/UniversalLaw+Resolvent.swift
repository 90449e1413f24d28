public import ComplexModule
public import RealModule

extension UniversalLaw {
  /// The Green's function G(z) = ∫ ρ(λ)/(z − λ) dλ of the law.
  ///
  /// On the support, where G jumps, the value is that of the upper side, with imaginary part −π·ρ(z).
  ///
  /// - Throws: `TheoryError.outsideDomain` for z that is not finite, and for z = 0, where G is
  ///   −`moment(-1)`. Also for z at the only eigenvalue of the law with c = 0.
  public func resolvent(at z: Complex<Double>) throws(TheoryError) -> Complex<Double> {
    try TheoryError.require(z.isFinite && !z.isZero, "|z|", z.length, "finite and not 0")
    guard scaledCumulant > 0 else {
      let difference = z - Complex(.exp(logCenter))
      try TheoryError.require(
        !difference.isZero, "z", z.real, "apart from the law's only eigenvalue")
      return 1 / difference
    }
    guard z.imaginary >= 0 else { return try resolvent(at: z.conjugate).conjugate }
    let log = Double.log(z.length) - logCenter
    let w = momentTransform(log: log.magnitude, of: z)
    // λ and 1/λ have the same law, so 1 + w at z equals −w at 1/z.
    return (log >= 0 ? 1 + w : -w.conjugate) / z
  }

  /// w = zG(z) − 1 on the ray of z at |log |z|| = `log`, for the law centered at 1 and Im z ≥ 0. Its
  /// error is relative to its size, 1/|z|.
  private func momentTransform(log: Double, of z: Complex<Double>) -> Complex<Double> {
    let angle = Double.atan2(y: z.imaginary, x: z.real)
    if log > logEdge + 60 {
      // The next term is smaller by a factor of at least λ_max/|z|.
      return Complex(length: .exp(scaledCumulant - log), phase: -angle)
    }
    if angle == .pi { return Complex(-realRoot(log: log, sign: -1, below: 0.5)) }
    if angle == 0, log >= logEdge {
      let edge = 1 / (scaledCumulant + (scaledCumulant * (scaledCumulant + 2)).squareRoot())
      return Complex(realRoot(log: log, sign: 1, below: edge))
    }
    let complement = Double.atan2(y: z.imaginary, x: -z.real)
    let ray = UniversalRay(cumulant: scaledCumulant, angle: angle, complement: complement)
    let point = ray.point(atLog: log) ?? ray.point(nearEnd: 0)
    return Complex(point.excess, -point.height)
  }

  /// The v in (0, limit] at which log |(1 + w)/w| + c(1 + 2w) with w = sign·v equals `log`.
  private func realRoot(log: Double, sign: Double, below limit: Double) -> Double {
    let root = RootFinding.brent(in: -.log(limit)...(log + 2 * scaledCumulant + 10)) {
      negativeLog in
      let v = Double.exp(-negativeLog)
      return .log(onePlus: sign * v) + negativeLog + scaledCumulant * (1 + sign * 2 * v) - log
    }
    return root.map { .exp(-$0) } ?? limit
  }
}
