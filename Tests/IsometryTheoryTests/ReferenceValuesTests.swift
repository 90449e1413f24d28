import Foundation
import IsometryCore
import Testing

@testable import IsometryTheory

/// The values that an independent implementation gave, where they lie beside the checkout.
@Suite struct ResidualReferenceValuesTests {
  private struct Entry: Decodable {
    struct Inputs: Decodable {
      let activation: String?
      let param: Double?
      let c, lambda, sigma, q, x, s: Double?
      let sw, sb, a, mu0, meanSquare: Double?
      let k, depth, height: Int?

      private enum CodingKeys: String, CodingKey {
        case activation, param, c, lambda, sigma, q, x, s, sw, sb, a, mu0, k
        case meanSquare = "M0"
        case depth = "L"
        case height = "H"
      }
    }
    let id: String
    let paper: String
    let inputs: Inputs
    let value: Double
    let tolerance: Double
  }

  /// Entries of other papers may have values of another form.
  private struct Lenient: Decodable {
    let entry: Entry?
    init(from decoder: any Decoder) { entry = try? Entry(from: decoder) }
  }

  static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "../shared/theory/reference_values.json").standardizedFileURL

  private func model(_ inputs: Entry.Inputs) throws -> ResidualModel {
    var model = ResidualModel(
      activation: try activation(inputs), depth: try #require(inputs.depth),
      weightDeviation: inputs.sw ?? 1)
    model.biasDeviation = inputs.sb ?? 0
    model.skipWeight = inputs.a ?? 1
    model.inputMean = inputs.mu0 ?? 0
    model.inputMeanSquare = inputs.meanSquare ?? 1
    return model
  }

  private func activation(
    _ inputs: Entry.Inputs, otherwise name: String = ""
  ) throws -> ActivationFunction {
    let names = ["lrelu": "leaky-relu", "htanh": "hard-tanh", "erfn": "unit-erf"]
    let name = inputs.activation ?? name
    return ActivationFunction(
      try #require(Activation(named: names[name] ?? name, parameter: inputs.param)))
  }

  private func value(_ entry: Entry) throws -> Double? {
    let inputs = entry.inputs
    let parts = entry.id.split(separator: ".").map(String.init)
    func law() throws -> UniversalLaw { try UniversalLaw(cumulant: try #require(inputs.c)) }
    func moments() throws -> GaussianMoments {
      try activation(inputs).moments(variance: try #require(inputs.q))
    }
    switch (parts[0], parts[1]) {
    case ("T", "lambda_max"): return try law().largestLambda
    case ("T", "lambda_min"): return try law().smallestLambda
    case ("T", "pdf_lambda_1"): return try law().density(at: try #require(inputs.lambda))
    case ("T", "pdf_sigma_0"):
      return try law().singularValueDensity(at: try #require(inputs.sigma))
    case ("T", "cdf_lambda_2"): return try law().cumulative(at: try #require(inputs.lambda))
    case ("T", "moment2"): return try law().moment(2)
    case ("T", "moment3"): return try law().moment(3)
    case ("T", "logvar"): return try law().logVariance
    case ("T", "Esigma"): return try law().meanSingularValue
    case ("T", "linear"):
      let variances = [Double](repeating: try #require(inputs.s), count: try #require(inputs.depth))
      return try LinearResidualNetwork.moments(variances: variances, count: 2)[1]
    case ("T", "sigma_w"):
      return try model(inputs).calibrated(to: try #require(inputs.c)).weightDeviation
    case ("T", "conv"):
      let size = try #require(inputs.height)
      return try ZeroPadding.factor(kernel: 3, height: size, width: size)
    case ("T", "signal"):
      var model = try? model(inputs)
      if model == nil {
        model = ResidualModel(
          activation: try activation(inputs, otherwise: parts[3]),
          depth: try #require(inputs.depth),
          weightDeviation: try #require(inputs.sw))
      }
      let signal = try #require(model).signal()
      switch parts[2] {
      case "c": return signal.scaledCumulant
      case "M20": return signal.layers.last?.meanSquare
      case "mu20": return signal.layers.last?.mean
      default: return nil
      }
    case ("G", "phi2"): return try moments().meanSquare
    case ("G", "dphi2"): return try moments().slopeSquare
    case ("S", "erfcx"): return SpecialFunctions.erfcx(try #require(inputs.x))
    default: return nil
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: file.path)))
  func everyEntryIsMet() throws {
    let entries = try JSONDecoder().decode([Lenient].self, from: Data(contentsOf: Self.file))
      .compactMap(\.entry)
    var checked = 0
    for entry in entries where ["T", "T/P", "appendix"].contains(entry.paper) {
      let value = try #require(try value(entry), "\(entry.id) is not checked")
      expectClose(value, entry.value, relative: 0, absolute: entry.tolerance, entry.id)
      checked += 1
    }
    #expect(checked > 45)
  }
}
