internal import IsometryCore

/// The law of independent entries of mean 0.
public enum WeightDistribution: String, Sendable, CaseIterable {
  case normal
  /// Uniform in ±√(3·variance).
  case uniform

  func draw(_ parameter: Parameter, variance: Double, seed: UInt64) -> [Double] {
    var random = parameter.randomStream(seed: seed)
    let count = parameter.shape.elementCount
    return switch self {
    case .normal: random.normals(count, deviation: variance.squareRoot())
    case .uniform: random.uniforms(count, bound: (3 * variance).squareRoot())
    }
  }
}
