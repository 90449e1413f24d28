internal import IsometryTheory

/// The law of singular values from several networks, each with a different law and the same weight. Its
/// densities, survival functions and atoms are the means over the networks' laws.
struct MixtureLaw: SpectralLaw {
  let laws: [any SpectralLaw]

  /// - Precondition: there is at least one law.
  init(_ laws: [any SpectralLaw]) {
    precondition(!laws.isEmpty, "a mixture has a law")
    self.laws = laws
  }

  var name: String { laws[0].name }
  var reachesZero: Bool { laws.contains(where: \.reachesZero) }

  var logSupport: ClosedRange<Double> {
    let supports = laws.filter { !$0.curve(count: 2).isEmpty }.map(\.logSupport)
    guard let first = supports.first else { return laws[0].logSupport }
    return supports.reduce(first) {
      min($0.lowerBound, $1.lowerBound)...max($0.upperBound, $1.upperBound)
    }
  }

  var atoms: [SpectralAtom] {
    var masses: [Double: Double] = [:]
    for law in laws { for atom in law.atoms { masses[atom.lambda, default: 0] += atom.mass } }
    let inexact = Set(laws.flatMap(\.atoms).filter { !$0.isExact }.map(\.lambda))
    return masses.map { lambda, mass in
      SpectralAtom(
        lambda: lambda, mass: mass / Double(laws.count), isExact: !inexact.contains(lambda))
    }
    .sorted { $0.lambda < $1.lambda }
  }

  func logDensity(atLog t: Double) -> Double { mean { $0.logDensity(atLog: t) } }

  func survival(atLog t: Double) -> Double { mean { $0.survival(atLog: t) } }

  func curve(count: Int) -> [SpectralPoint] {
    // Each law's points resolve its edges. The curve takes every n-th point of all of them.
    let places = laws.flatMap { $0.curve(count: count).map(\.logLambda) }.sorted()
    guard let last = places.indices.last else { return [] }
    return (0..<count).map { index in
      let t = places[last * index / (count - 1)]
      return SpectralPoint(
        logLambda: t, logDensity: logDensity(atLog: t), survival: survival(atLog: t))
    }
  }

  private func mean(_ value: (any SpectralLaw) -> Double) -> Double {
    laws.reduce(0) { $0 + value($1) } / Double(laws.count)
  }
}
