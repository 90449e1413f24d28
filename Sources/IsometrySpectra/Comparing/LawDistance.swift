public import IsometryTheory
internal import RealModule

/// The Kolmogorov–Smirnov distance between measured spectra and a law: the largest difference of their
/// distribution functions of log λ.
public enum LawDistance {
  /// The distance of all spectra together, each with the same weight.
  ///
  /// A singular value within the measurement's resolution of one of the law's atoms counts as equal to
  /// it. Otherwise rounding would decide on which side of a jump it falls. Below the resolution only
  /// the mass is compared.
  public static func between(_ spectra: [Spectrum], and law: any SpectralLaw) -> Double {
    if spectra.contains(where: { $0.method == .lanczos }) {
      return ofQuadrature(spectra, from: law)
    }
    let resolution = spectra.map(\.resolution).max() ?? 0
    let atoms = Atom.all(of: law, resolution: resolution)
    var points: [(t: Double, weight: Double)] = []
    var below = 0.0  // the measured mass so far
    let share = 1 / Double(spectra.count)
    for spectrum in spectra {
      for (value, weight) in zip(spectrum.values, spectrum.weights) {
        if value == 0 {
          below += share * weight
          continue
        }
        let t = 2 * Double.log(value)
        let atom = atoms.first { $0.holds(t) }
        points.append((atom?.t ?? t, share * weight))
      }
    }
    // The law may also jump at points without a measured value.
    points += atoms.map { ($0.t, 0) }
    points.sort { $0.t < $1.t }

    func lawBelow(_ t: Double) -> Double { 1 - law.survival(atLog: t) }
    let zeros =
      resolution > 0 ? lawBelow(2 * Double.log(resolution)) : law.cumulative(at: 0)
    var distance = abs(below - zeros)
    var position = 0
    while position < points.count {
      let t = points[position].t
      var weight = 0.0
      while position < points.count, points[position].t == t {
        weight += points[position].weight
        position += 1
      }
      let step = Atom.step(at: t)
      distance = max(distance, abs(below - lawBelow(t - step)))
      below += weight
      distance = max(distance, abs(below - lawBelow(t + step)))
    }
    return distance
  }

  /// The distance of quadrature nodes. The distribution function of a Gauss quadrature is close to the
  /// measured one in the middle of each of its steps. Between the middles it is interpolated linearly
  /// in log λ. The probes' functions are averaged. A node within the resolution of one of the law's atoms
  /// is a jump there.
  private static func ofQuadrature(_ spectra: [Spectrum], from law: any SpectralLaw) -> Double {
    var functions: [[(t: Double, below: Double)]] = []
    let atoms = Atom.all(of: law, resolution: spectra.map(\.resolution).max() ?? 0)
    for spectrum in spectra {
      for probe in Set(spectrum.probes) {
        // In increasing order. The weights of one probe sum to 1.
        let nodes = spectrum.values.indices.reversed().filter { spectrum.probes[$0] == probe }
        let total = nodes.reduce(0) { $0 + spectrum.weights[$1] }
        var below = 0.0
        var function: [(t: Double, below: Double)] = []
        for node in nodes {
          let weight = spectrum.weights[node] / total
          if spectrum.values[node] > 0 {
            let t = 2 * Double.log(spectrum.values[node])
            if let atom = atoms.first(where: { $0.holds(t) }) {
              // Several nodes at an atom are one jump.
              if function.last?.t == atom.end {
                function[function.count - 1].below += weight
              } else {
                function += [
                  (t: atom.start, below: below), (t: atom.end, below: below + weight),
                ]
              }
            } else {
              function.append((t, below + weight / 2))
            }
          }
          below += weight
        }
        functions.append(function)
      }
    }
    let places = functions.flatMap { $0.map(\.t) }
    return places.reduce(0) { largest, t in
      let measured = functions.reduce(0) { $0 + value(of: $1, at: t) } / Double(functions.count)
      return max(largest, abs(measured - (1 - law.survival(atLog: t))))
    }
  }

  private static func value(of function: [(t: Double, below: Double)], at t: Double) -> Double {
    guard let next = function.firstIndex(where: { $0.t >= t }) else { return 1 }
    let right = function[next]
    guard next > 0 else { return right.t == t ? right.below : 0 }
    let left = function[next - 1]
    return left.below + (right.below - left.below) * (t - left.t) / (right.t - left.t)
  }
}

/// A positive λ at which a law's distribution function jumps.
private struct Atom {
  /// log λ
  let t: Double
  /// The distance in log λ within which a measured value counts as equal.
  let width: Double

  /// - Parameter resolution: that of the measured singular values.
  static func all(of law: any SpectralLaw, resolution: Double) -> [Atom] {
    law.atoms.filter { $0.lambda > 0 }.map {
      Atom(t: .log($0.lambda), width: 2 * resolution / $0.lambda.squareRoot())
    }
  }

  func holds(_ t: Double) -> Bool { abs(t - self.t) <= width }

  /// The places before and after the jump. An atom's position may differ from the law's by a rounding
  /// error.
  var start: Double { t - Self.step(at: t) }
  var end: Double { t + Self.step(at: t) }

  static func step(at t: Double) -> Double { 1e-12 * max(1, abs(t)) }
}
