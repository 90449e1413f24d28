import Foundation
import IsometryCore
import IsometryNN
import IsometryTheory

/// The signals of two inputs in random plain ReLU networks, with the numbers of the exact laws.
struct SignalStatistics: Codable, Sendable, Equatable {
  /// A mean over networks; not a number without any.
  typealias Estimate = Sample

  struct Exact: Codable, Sendable, Equatable {
    let mean: Double
    let deviation: Double
  }

  /// The number of networks drawn.
  let networks: Int
  /// Networks in which the first input has died out.
  let dead: Int
  /// log(|xᴸ|²/|x⁰|²) of those in which it has not.
  let logNorm: Estimate
  /// The cosine of the two inputs after each layer, of networks in which both are alive.
  let cosines: [Estimate]
  /// The largest change in any network and layer of a norm, relative to it, or of a cosine; of mirrored
  /// weights, the cosine of the differences û of the upper and the lower halves.
  let largestChange: Double
  /// The exact value of `logNorm`; nil if no law is compared.
  var exactLogNorm: Exact?
  /// Kolmogorov's distance of the first layer's squared norm from its exact law.
  var layerDistance: Double?
  /// `cosines`, of samples of the exact law of pairs.
  var exactCosines: [Estimate]?
}

extension SignalStatistics {
  /// Sends two orthogonal inputs of norm 1 through networks of the seeds `seed`, `seed` + 1, ….
  ///
  /// - Parameter checkStop: called between networks.
  init(
    weights: FiniteWidth.Weights, width: Int, depth: Int, networks: Int, seed: UInt64,
    checkStop: () throws -> Void
  ) throws {
    // Half as many inputs as units, so that mirrored layers can keep all of them.
    let inputs = width / 2
    let layout = MultilayerPerceptron(
      depth: depth, width: width, imageShape: [1, 1, inputs], classes: 1
    ).layout
    let initializer = try InitializerRegistry.make(weights.initializer)
    var norms: [[Double]] = []
    var cosines: [[Double]] = []
    var largestChange = 0.0
    for index in 0..<networks {
      try checkStop()
      let values = try initializer.values(for: layout, seed: seed &+ UInt64(index))
      var first = [Double](repeating: 0, count: inputs)
      var second = first
      first[0] = 1
      second[1] = 1
      var traces: (norms: [Double], cosines: [Double]) = ([1], [0])
      for layer in layout.layers where layer.weight != layout.head?.weight {
        guard let matrix = values[layer.weight.name] else {
          preconditionFailure("\(layer.weight.name) was drawn")
        }
        first = Self.layer(matrix, first)
        second = Self.layer(matrix, second)
        let norm = Self.product(first, first)
        let other = Self.product(second, second)
        let cosine = Self.product(first, second) / (norm * other).squareRoot()
        traces.norms.append(norm)
        traces.cosines.append(cosine)
        let kept =
          weights == .he
          ? cosine
          : Self.product(Self.difference(first), Self.difference(second))
            / (norm * other).squareRoot()
        largestChange = max(largestChange, abs(norm - 1), kept.isNaN ? 1 : abs(kept))
      }
      norms.append(traces.norms)
      cosines.append(traces.cosines)
    }
    let alive = norms.compactMap(\.last).filter { $0 > 0 }
    let exact =
      try weights == .he
      ? Self.exact(
        width: width, inputs: inputs, depth: depth, networks: networks, seed: seed, norms: norms)
      : nil
    self.init(
      networks: networks, dead: networks - alive.count,
      logNorm: Self.estimate(alive.map { log($0) }),
      cosines: (1...depth).map { layer in Self.estimate(cosines.map { $0[layer] }) },
      largestChange: largestChange, exactLogNorm: exact?.logNorm,
      layerDistance: exact?.distance, exactCosines: exact?.cosines)
  }

  /// relu(W·x) for W of rows of x's length.
  private static func layer(_ matrix: [Double], _ x: [Double]) -> [Double] {
    let rows = matrix.count / x.count
    return (0..<rows).map { row in
      var sum = 0.0
      for column in x.indices { sum += matrix[row * x.count + column] * x[column] }
      return max(0, sum)
    }
  }

  /// û: the upper half of x less the lower one.
  private static func difference(_ x: [Double]) -> [Double] {
    zip(x.prefix(x.count / 2), x.suffix(x.count / 2)).map { $0 - $1 }
  }

  private static func product(_ x: [Double], _ y: [Double]) -> Double {
    zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The numbers of the exact laws for He's networks.
  private static func exact(
    width: Int, inputs: Int, depth: Int, networks: Int, seed: UInt64, norms: [[Double]]
  ) throws -> (logNorm: Exact, distance: Double, cosines: [Estimate]) {
    let variances = [2 / Double(inputs)] + [Double](repeating: 2 / Double(width), count: depth - 1)
    let chain = try RectifierChain(
      layers: variances.map { .init(width: width, weightVariance: $0) })
    let law = try RectifiedSquareSum(width: width)
    var random = RandomStream(seed: seed)
    var cosines: [[Double]] = []
    for _ in 0..<networks {
      let pairs = chain.samplePairs(
        from: PairNorms(first: 1, second: 1, difference: 2), &random)
      cosines.append(pairs.map { $0.inner / ($0.first * $0.second).squareRoot() })
    }
    let squares = norms.map { $0[1] / variances[0] }
    return (
      Exact(
        mean: try chain.logNormMean(), deviation: try chain.logNormVariance().squareRoot()),
      distance(squares, from: law.cumulative(at:)),
      (0..<depth).map { layer in estimate(cosines.map { $0[layer] }) }
    )
  }

  /// The mean of the values that are numbers.
  private static func estimate(_ values: [Double]) -> Estimate {
    Estimate(values.filter { !$0.isNaN }) ?? Estimate(mean: .nan, deviation: .nan, count: 0)
  }

  /// Kolmogorov's distance of numbers from a distribution function. At a jump of the function, numbers
  /// that are equal count as one step.
  static func distance(_ values: [Double], from cumulative: (Double) -> Double) -> Double {
    let sorted = values.sorted()
    var distance = 0.0
    var below = 0
    while below < sorted.count {
      let value = sorted[below]
      var upTo = below
      while upTo < sorted.count, sorted[upTo] == value { upTo += 1 }
      let law = cumulative(value)
      distance = max(distance, abs(Double(upTo) / Double(sorted.count) - law))
      // Where values repeat, the law has a jump too, and nothing is known of its lower end.
      if upTo == below + 1 {
        distance = max(distance, abs(Double(below) / Double(sorted.count) - law))
      }
      below = upTo
    }
    return distance
  }
}
