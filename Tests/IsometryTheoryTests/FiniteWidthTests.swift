import IsometryCore
import IsometryTheory
import RealModule
import Testing

/// Exact statistics of ReLU layers at finite width (docs/theory.md, paper B).
@Suite struct FiniteWidthTests {
  @Test func valuesOfTheDesign() throws {
    let law = try RectifiedSquareSum(width: 10)
    expectClose(law.logMean, 1.301976901742243, relative: 1e-14)
    expectClose(law.logVariance, 0.8667342530526041, relative: 1e-14)
    expectClose(law.cumulative(at: 5), 0.5835754247436111, relative: 1e-13)
    expectClose(law.density(at: 5), 0.10782172272415058, relative: 1e-13)
    #expect(law.mean == 5 && law.variance == 12.5)
    let expected = [50: (-0.0517388, 0.1081681), 100: (-0.0254209, 0.0519400)]
    for (width, values) in expected {
      let law = try RectifiedSquareSum(width: width)
      #expect(abs(law.logMeanRatio - values.0) < 1e-7)
      #expect(abs(law.logVariance - values.1) < 1e-7)
    }
    let he = try RectifierChain.he(width: 50, depth: 20)
    expectClose(try he.relativeVariance(), 5.727499949325611, relative: 1e-13)
    #expect(abs(try he.logNormMean() + 1.0348) < 1e-4)
    #expect(abs(try he.logNormVariance() - 2.163) < 1e-3)
    let layer = RectifierChain.Layer(width: 20, weightVariance: 0.1, biasVariance: 0.05)
    let moments = try RectifierChain(layers: Array(repeating: layer, count: 5))
      .normMoments(from: 1)
    expectClose(moments[4].mean, 3.5, relative: 1e-14)
    expectClose(moments[4].meanSquare, 23.892822265625018, relative: 1e-14)
  }

  /// From mpmath with 40 digits.
  @Test func farFromTheMiddle() throws {
    for width in [1, 2, 3, 64, 1001, 100_000] {
      let law = try RectifiedSquareSum(width: width)
      let n = Double(width)
      let name = "N = \(width)"
      #expect(law.cumulative(at: -1) == 0 && law.density(at: -1) == 0, "\(name)")
      #expect(law.cumulative(at: .infinity) == 1, "\(name)")
      expectClose(law.cumulative(at: 0), .pow(2, -n), relative: 1e-12, name)
      #expect(law.cumulative(at: 50 * n + 100) > 1 - 1e-12, "\(name)")
      // Mass and moments from the density, in the variable in which χ²₁ has no pole.
      let spread = 40 * law.variance.squareRoot() + 200
      let low = max(0, law.mean - spread).squareRoot()
      let high = (law.mean + spread).squareRoot()
      let panels = (0...60).map { low + (high - low) * Double($0) / 60 }
      func integral(_ value: (Double) -> Double) -> Double {
        GaussLegendre.points32.integrate(over: panels) {
          2 * $0 * law.density(at: $0 * $0) * value($0 * $0)
        }
      }
      expectClose(integral { _ in 1 }, 1 - law.atomAtZero, relative: 1e-12, name)
      expectClose(integral { $0 }, law.mean, relative: 1e-12, name)
      let center = n / 2
      let square = integral { ($0 - center) * ($0 - center) } + law.atomAtZero * center * center
      expectClose(square, law.variance, relative: 1e-11, name)
      // The logarithm's pole at 0 is no matter for quadrature where next to no mass lies there.
      if width >= 64 {
        expectClose(
          integral { .log($0) } / (1 - law.atomAtZero), law.logMean, relative: 1e-7, absolute: 1e-7,
          name)
      }
      // The distribution function is the density's integral.
      let middle = law.mean + 0.3
      let part = GaussLegendre.points32.integrate(
        over: panels.filter { $0 * $0 < middle } + [middle.squareRoot()]
      ) { 2 * $0 * law.density(at: $0 * $0) }
      expectClose(law.cumulative(at: middle), part + law.atomAtZero, relative: 1e-12, name)
    }
  }

  /// Σ relu(z)² over the units of a layer.
  private func rectifiedSquares(_ width: Int, _ random: inout RandomStream) -> Double {
    (0..<width).reduce(0) { sum, _ in
      let open = max(0, random.normal())
      return sum + open * open
    }
  }

  @Test func samplesFollowTheLaw() throws {
    var random = RandomStream(seed: 11)
    for width in [1, 4, 30, 200] {
      let law = try RectifiedSquareSum(width: width)
      let count = 5_000
      let samples = (0..<count).map { _ in rectifiedSquares(width, &random) }.sorted()
      var distance = 0.0
      for (index, t) in samples.enumerated() where t > 0 {
        let f = law.cumulative(at: t)
        distance = max(
          distance, f - Double(index) / Double(count), Double(index + 1) / Double(count) - f)
      }
      // Kolmogorov: 1.95/√n is exceeded once in a thousand runs; the seed is fixed.
      #expect(distance < 1.95 / Double(count).squareRoot(), "N = \(width)")
    }
  }

  @Test func chainsFollowTheRecursion() throws {
    var random = RandomStream(seed: 5)
    let layers = [
      RectifierChain.Layer(width: 20, weightVariance: 0.1, biasVariance: 0.05),
      RectifierChain.Layer(width: 33, weightVariance: 0.05),
      RectifierChain.Layer(width: 8, weightVariance: 0.2, biasVariance: 0.1),
    ]
    let chain = try RectifierChain(layers: layers)
    let moments = chain.normMoments(from: 2)
    let count = 10_000
    var sums = [Double](repeating: 0, count: layers.count)
    var inner = 0.0
    for _ in 0..<count {
      var norm = 2.0
      for (index, layer) in layers.enumerated() {
        norm =
          (layer.weightVariance * norm + layer.biasVariance)
          * rectifiedSquares(layer.width, &random)
        sums[index] += norm
      }
    }
    for index in layers.indices {
      let variance = moments[index].meanSquare - moments[index].mean * moments[index].mean
      let error = (variance / Double(count)).squareRoot()
      #expect(abs(sums[index] / Double(count) - moments[index].mean) < 4 * error)
    }
    // The inner product of two orthogonal unit inputs after one layer.
    let one = try RectifierChain(layers: [.init(width: 16, weightVariance: 1)])
    let kernel = try RectifierKernel(cosine: 0.3)
    let expected = (
      mean: 16 * kernel.product,
      variance: 16 * (kernel.squareProduct - kernel.product * kernel.product)
    )
    #expect(abs(expected.mean - 3.861954) < 1e-6)
    #expect(abs(expected.variance - 6.889654) < 1e-6)
    let pair = PairNorms(first: 1, second: 1, difference: 1.4)
    var norms = (0.0, 0.0, 0.0)
    for _ in 0..<count {
      let next = one.samplePairs(from: pair, &random)[0]
      inner += next.inner
      norms.0 += next.first
      norms.1 += next.second
      norms.2 += next.first * next.second
    }
    let n = Double(count)
    #expect(abs(inner / n - expected.mean) < 4 * (expected.variance / n).squareRoot())
    #expect(abs(norms.0 / n - 8) < 4 * (20 / n).squareRoot())
    #expect(abs(norms.1 / n - 8) < 4 * (20 / n).squareRoot())
    let covariance = 16 * (kernel.squareProduct - 0.25)
    #expect(abs(norms.2 / n - norms.0 * norms.1 / (n * n) - covariance) < 1)
  }

  @Test func inputsThatAreAlmostAlikeKeepTheirDigits() throws {
    var random = RandomStream(seed: 1)
    let chain = try RectifierChain.he(width: 64, depth: 10)
    let pair = chain.samplePairs(
      from: PairNorms(first: 1, second: 1, difference: 1e-24), &random)[9]
    // A difference that small passes a ReLU network linearly.
    #expect(pair.difference > 1e-27 && pair.difference < 1e-22)
  }

  @Test func kernels() throws {
    let kernel = try RectifierKernel(cosine: 0.3)
    expectClose(kernel.product, 0.2413721419177438, relative: 1e-14)
    expectClose(kernel.squareProduct, 0.488863868955378, relative: 1e-14)
    let map: [(Double, Double)] = [
      (-1, 0), (-0.5, 0.10899778104422929), (0, 1 / .pi), (0.5, 0.6089977810442295),
      (0.9, 0.9095383988446721), (1, 1),
    ]
    for (cosine, value) in map {
      #expect(abs(try RectifierKernel(cosine: cosine).cosineAfterLayer - value) < 1e-15)
    }
    let cosines = try RectifierKernel.cosines(from: 0, depth: 50)
    let expected = [
      1: 0.3183098862, 2: 0.4937310902, 5: 0.7359463506, 10: 0.8715355160, 20: 0.94842847915598,
      50: 0.9878619449,
    ]
    for (depth, value) in expected { #expect(abs(cosines[depth - 1] - value) < 1e-10) }
    // 1 − ρ keeps its digits: the expansion at ρ = 1 is ε − (2√2/3π)·ε^{3/2}.
    let near = try RectifierKernel(angle: 1e-6)
    let epsilon = near.cosineDistance
    let change = epsilon - near.cosineDistanceAfterLayer
    expectClose(
      change, 2 * 2.0.squareRoot() / (3 * .pi) * epsilon * epsilon.squareRoot(), relative: 1e-6)
    let deep = try RectifierKernel.cosines(from: 0, depth: 10_000)
    expectClose(1 - deep[9999], 9 * .pi * .pi / 2e8, relative: 0.01)
    #expect(zip(deep, deep.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func deathAndMirroredWeights() throws {
    let thin = try RectifierChain.he(width: 3, depth: 10)
    expectClose(try thin.deathProbability(), 1 - .pow(0.875, 10), relative: 1e-14)
    let wide = try RectifierChain.he(width: 200, depth: 100)
    expectClose(try wide.deathProbability(), 100 * .pow(2, -200), relative: 1e-12)
    let widths = Array(repeating: 40, count: 6)
    expectClose(
      try LooksLinearNorms.relativeVariance(widths: widths), .pow(1.1, 6) - 1, relative: 1e-13)
    #expect(throws: TheoryError.self) { try LooksLinearNorms.relativeVariance(widths: [4, 5]) }
    #expect(throws: TheoryError.self) { try LooksLinearNorms.relativeVariance(widths: [0]) }
  }

  @Test func illegalArguments() throws {
    #expect(throws: TheoryError.self) { try RectifiedSquareSum(width: 0) }
    #expect(throws: TheoryError.self) { try RectifierChain.he(width: 10, depth: 0) }
    #expect(throws: TheoryError.self) { try RectifierChain.he(width: 0, depth: 10) }
    #expect(throws: TheoryError.self) { try RectifierKernel(cosine: 1.01) }
    let biased = try RectifierChain(
      layers: [.init(width: 4, weightVariance: 1, biasVariance: 1)])
    #expect(throws: TheoryError.self) { try biased.deathProbability() }
    #expect(throws: TheoryError.self) { try biased.logNormMean() }
  }
}

/// Residual blocks (docs/theory.md, paper R).
@Suite struct ResidualBlockTests {
  @Test func similarityOfHeBlocks() throws {
    let expected: [(Double, Double)] = [
      (0, 0.8715355160215177), (0.5, 0.92043457), (1, 0.9484284791559848),
    ]
    for (square, value) in expected {
      let block = ResidualBlockPropagation.he(
        branchFactor: square.squareRoot(), skipFactor: (1 - square).squareRoot())
      expectClose(block.normFactor, 1, relative: 1e-15)
      let cosines = try block.cosines(from: 0, depth: 10)
      #expect(abs(cosines[9] - value) < (square == 0.5 ? 1e-8 : 1e-13))
    }
    // At ρ = 0 every branch factor widens the loss of the skip's own rectifier.
    for block in [ResidualBlockPropagation.zeroBranch, .risotto] {
      #expect(try block.cosines(from: 0.25, depth: 50).allSatisfy { abs($0 - 0.25) < 1e-15 })
      #expect(block.normFactor == 1)
    }
    #expect(throws: TheoryError.self) {
      try ResidualBlockPropagation.he(branchFactor: 0, skipFactor: 0).cosines(from: 0, depth: 2)
    }
  }
}
