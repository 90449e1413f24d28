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
      let draws = moments.draws(count, stream: 2 << 32 | stream)
      guard let activation else { return (draws.map(\.x), draws.map(\.y)) }
      return (draws.map { activation($0.x) }, draws.map { activation($0.y) })
    }
  }
}
