internal import IsometryTheory
internal import RealModule

/// A law whose λ are all multiplied by one factor.
struct ScaledLaw: SpectralLaw {
  let base: any SpectralLaw
  let logFactor: Double

  var name: String { base.name }
  var reachesZero: Bool { base.reachesZero }

  var logSupport: ClosedRange<Double> {
    (base.logSupport.lowerBound + logFactor)...(base.logSupport.upperBound + logFactor)
  }

  var atoms: [SpectralAtom] {
    base.atoms.map {
      SpectralAtom(lambda: $0.lambda * .exp(logFactor), mass: $0.mass, isExact: $0.isExact)
    }
  }

  func logDensity(atLog t: Double) -> Double { base.logDensity(atLog: t - logFactor) }
  func survival(atLog t: Double) -> Double { base.survival(atLog: t - logFactor) }

  func curve(count: Int) -> [SpectralPoint] {
    base.curve(count: count).map { point in
      var point = point
      point.logLambda += logFactor
      return point
    }
  }
}
