internal import IsometryCore

/// A pair of signals of one shape in the theory's propagation. It has moments, and elements with these
/// moments for effects that moments do not determine.
struct SignalPair {
  let moments: SignalMoments
  private let origin: Origin

  private enum Origin {
    case known(x: [Double], y: [Double])
    /// φ of Gaussian numbers with these moments, or the numbers themselves without φ.
    case gaussian(SignalMoments, Activation?)
  }

  init(_ x: [Double], _ y: [Double]) {
    moments = SignalMoments(x, y)
    origin = .known(x: x, y: y)
  }

  /// Makes a pair of which only the moments are known.
  init(_ moments: SignalMoments) {
    self.moments = moments
    origin = .gaussian(moments, nil)
  }

  /// Makes the pair φ(h) of Gaussian pre-activations h.
  ///
  /// - Parameter moments: of φ(h).
  init(_ moments: SignalMoments, of activation: Activation, at preactivations: SignalMoments) {
    self.moments = moments
    origin = .gaussian(preactivations, activation)
  }

  /// The elements of the two signals. Unknown ones are `count` random draws.
  ///
  /// - Parameter stream: distinguishes draws that should be independent.
  func elements(count: Int, stream: UInt64) -> (x: [Double], y: [Double]) {
    switch origin {
    case .known(let x, let y): return (x, y)
    case .gaussian(let moments, let activation):
      let (first, second) = moments.means
      let variances = (
        max(0, moments.meanSquares.0 - first * first),
        max(0, moments.meanSquares.1 - second * second)
      )
      let norm = (variances.0 * variances.1).squareRoot()
      let cosine = norm > 0 ? max(-1, min(1, (moments.product - first * second) / norm)) : 0
      let sine = (1 - cosine * cosine).squareRoot()
      let deviations = (variances.0.squareRoot(), variances.1.squareRoot())
      var random = RandomStream(seed: 1, stream: 2 << 32 | stream)
      var (x, y) = ([Double](), [Double]())
      x.reserveCapacity(count)
      y.reserveCapacity(count)
      for _ in 0..<count {
        let (z, other) = (random.normal(), random.normal())
        let h = (first + deviations.0 * z, second + deviations.1 * (cosine * z + sine * other))
        x.append(activation.map { $0(h.0) } ?? h.0)
        y.append(activation.map { $0(h.1) } ?? h.1)
      }
      return (x, y)
    }
  }
}
