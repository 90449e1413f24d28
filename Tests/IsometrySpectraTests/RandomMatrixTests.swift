import IsometryCore
import IsometryTheory
import RealModule
import Testing

@testable import IsometryNN
@testable import IsometrySpectra

/// The laws of plain networks beside products of random matrices that know nothing of networks: slopes
/// in random order and random weights. The bound is 3/N + 0.3/L.
@Suite struct RandomMatrixTests {
  static let width = 80
  static let depth = 8

  /// The spectrum of ∏ D·W, with slopes that `slope` makes of a normal number's quantiles in the middle
  /// of N equal shares: of N that were drawn, the least number of open ones in a few layers would
  /// decide how many singular values are 0.
  private func distance(
    _ weights: WeightLaw, to law: any SpectralLaw, seed: UInt64,
    slope: (Double) -> Double
  ) throws -> Double {
    let width = Self.width
    var random = RandomStream(seed: seed)
    let spectra = try (0..<2).map { _ in
      var product = [Double](repeating: 0, count: width * width)
      for index in 0..<width { product[index * (width + 1)] = 1 }
      for _ in 0..<Self.depth {
        let matrix: [Double]
        switch weights {
        case .orthogonal: matrix = random.haarMatrix(rows: width, columns: width).elements
        case .gaussian:
          let deviation = 1 / Double(width).squareRoot()
          matrix = random.normals(width * width).map { $0 * deviation }
        }
        let slopes = random.permutation(width).map {
          slope(Self.normalQuantile((Double($0) + 0.5) / Double(width)))
        }
        var next = [Double](repeating: 0, count: width * width)
        for row in 0..<width {
          for inner in 0..<width {
            let factor = slopes[row] * matrix[row * width + inner]
            for column in 0..<width {
              next[row * width + column] += factor * product[inner * width + column]
            }
          }
        }
        product = next
      }
      let values = try LinearAlgebra.singularValues(&product, rows: width, columns: width)
      return Spectrum(
        method: .decomposition, count: width, values: values, resolution: 1e-13 * values[0])
    }
    return LawDistance.between(spectra, and: law)
  }

  private static func normalQuantile(_ share: Double) -> Double {
    var (low, high) = (-9.0, 9.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if SpecialFunctions.normalCDF(middle) < share { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  private var bound: Double { 3 / Double(Self.width) + 0.3 / Double(Self.depth) }

  @Test(arguments: WeightLaw.allCases, [0.5, 0.9, 0.99, 1])
  func openSlopes(weights: WeightLaw, open: Double) throws {
    let probability = try OpenProbability(open)
    let law: any SpectralLaw =
      switch weights {
      case .orthogonal: try OrthogonalLaw(openProbability: probability, depth: Self.depth)
      case .gaussian: try GaussianLaw(openProbability: probability, depth: Self.depth)
      }
    let distance = try distance(weights, to: law, seed: 5) { normal in
      SpecialFunctions.normalCDF(normal) < open ? 1 / open.squareRoot() : 0
    }
    #expect(distance < bound)
  }

  @Test(
    arguments: WeightLaw.allCases,
    [(Activation.tanh, 0.1), (.gelu, 1), (.selu, 1), (.leakyReLU(slope: 0.2), 1)])
  func smoothSlopes(weights: WeightLaw, activation: (Activation, Double)) throws {
    let (activation, q) = activation
    let function = ActivationFunction(activation)
    let law = try function.plainNetworkLaw(variance: q, weights: weights, depth: Self.depth)
    let deviation = q.squareRoot()
    let scale = try 1 / function.moments(variance: q).slopeSquare.squareRoot()
    let distance = try distance(weights, to: law, seed: 6) {
      scale * function.slope(deviation * $0)
    }
    #expect(distance < bound)
  }
}
