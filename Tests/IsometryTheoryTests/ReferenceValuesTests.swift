import IsometryCore
import RealModule
import TestSupport
import Testing

@testable import IsometryTheory

/// The values that an independent implementation gave, where they lie beside the checkout.
@Suite struct ReferenceValuesTests {
  /// What needs networks, and is checked with them.
  static let withNetworks = ["R.sv.", "R.stride."]

  @Test(.enabled(if: ReferenceEntry.isAvailable))
  func everyEntryIsMet() throws {
    let entries = try ReferenceEntry.all()
    var (checked, left) = (0, 0)
    for entry in entries {
      if Self.withNetworks.contains(where: entry.id.hasPrefix) {
        left += 1
        continue
      }
      let value = try #require(try value(entry), "\(entry.id) is not checked")
      #expect(entry.values.count == 1)
      expectClose(value, entry.values[0], relative: 0, absolute: entry.tolerance, entry.id)
      checked += 1
    }
    #expect(checked == 87 && left == 5 && checked + left == entries.count)
  }

  private func value(_ entry: ReferenceEntry) throws -> Double? {
    switch entry.parts[0] {
    case "T": try residual(entry)
    case "G", "S": try appendix(entry)
    case "P": try plain(entry)
    case "B": try finiteWidth(entry)
    case "R": try risotto(entry)
    default: nil
    }
  }

  private func residual(_ entry: ReferenceEntry) throws -> Double? {
    func law() throws -> UniversalLaw { try UniversalLaw(cumulant: entry.number("c")) }
    switch entry.parts[1] {
    case "lambda_max": return try law().largestLambda
    case "lambda_min": return try law().smallestLambda
    case "pdf_lambda_1": return try law().density(at: entry.number("lambda"))
    case "pdf_sigma_0": return try law().singularValueDensity(at: entry.number("sigma"))
    case "cdf_lambda_2": return try law().cumulative(at: entry.number("lambda"))
    case "moment2", "moment3": return try law().moment(entry.number("k"))
    case "logvar": return try law().logVariance
    case "Esigma": return try law().meanSingularValue
    case "linear":
      let variances = [Double](repeating: try entry.number("s"), count: try entry.count("L"))
      return try LinearResidualNetwork.moments(variances: variances, count: 2)[1]
    case "sigma_w": return try model(entry).calibrated(to: entry.number("c")).weightDeviation
    case "conv":
      let size = try entry.count("H")
      return try ZeroPadding.factor(kernel: 3, height: size, width: size)
    case "signal":
      let signal = try model(entry).signal()
      switch entry.parts[2] {
      case "c": return signal.scaledCumulant
      case "M20": return signal.layers.last?.meanSquare
      case "mu20": return signal.layers.last?.mean
      default: return nil
      }
    default: return nil
    }
  }

  private func model(_ entry: ReferenceEntry) throws -> ResidualModel {
    var model = ResidualModel(
      activation: try entry.activation(), depth: try entry.count("L"),
      weightDeviation: entry.numbers["sw"] ?? 1)
    model.biasDeviation = entry.numbers["sb"] ?? 0
    model.skipWeight = entry.numbers["a"] ?? 1
    model.inputMean = entry.numbers["mu0"] ?? 0
    model.inputMeanSquare = entry.numbers["M0"] ?? 1
    return model
  }

  private func appendix(_ entry: ReferenceEntry) throws -> Double? {
    func moments() throws -> GaussianMoments {
      try entry.activation().moments(variance: entry.number("q"))
    }
    switch entry.parts[1] {
    case "phi2": return try moments().meanSquare
    case "dphi2": return try moments().slopeSquare
    case "erfcx": return SpecialFunctions.erfcx(try entry.number("x"))
    default: return nil
    }
  }

  private func plain(_ entry: ReferenceEntry) throws -> Double? {
    func point() throws -> CriticalPoint {
      try entry.activation().criticalPoint(variance: entry.number("q*"))
    }
    switch entry.parts[1] {
    case "lambda_max":
      // Where p is 0.9 and L is 30, the bulk's edge is below no atom.
      let law = try angularLaw(entry)
      return .exp(law.logUpperEdge)
    case "var":
      return try OrthogonalLaw(
        openProbability: OpenProbability(0.5), depth: entry.count("L")
      ).relativeVariance
    case "topatom":
      return try OrthogonalLaw(
        openProbability: OpenProbability(entry.number("p")), depth: entry.count("L")
      ).topMass
    case "param":
      // The laws' angle is L times the entry's parameter.
      let law = try angularLaw(entry)
      let angle = SpectralAngle(try entry.number("par") * Double(entry.count("L")))
      let t = law.logLambda(at: angle)
      return entry.parts[3] == "density" ? law.density(at: .exp(t)) : law.survival(atLog: t)
    case "crit": return try entry.parts[2] == "sw2" ? point().weightVariance : point().biasVariance
    case "relvar_per_layer": return try point().relativeVariancePerLayer
    case "qstar":
      return try entry.activation(entry.parts[2])
        .criticalPoint(depth: entry.count("L"), level: 0.1).variance
    default: return nil
    }
  }

  private func angularLaw(_ entry: ReferenceEntry) throws -> any AngularLaw {
    let probability = try OpenProbability(entry.number("p"))
    let depth = try entry.count("L")
    return entry.parts[2] == "orth"
      ? try OrthogonalLaw(openProbability: probability, depth: depth)
      : try GaussianLaw(openProbability: probability, depth: depth)
  }

  private func finiteWidth(_ entry: ReferenceEntry) throws -> Double? {
    func sum() throws -> RectifiedSquareSum { try RectifiedSquareSum(width: entry.count("N")) }
    func biased() throws -> RectifierChain.NormMoments? {
      let width = try entry.count("N")
      let layer = RectifierChain.Layer(
        width: width, weightVariance: 2 / Double(width), biasVariance: 0.05)
      return try RectifierChain(
        layers: [RectifierChain.Layer](repeating: layer, count: entry.count("L"))
      ).normMoments(from: 1).last
    }
    func kernel() throws -> RectifierKernel { try RectifierKernel(cosine: entry.number("rho")) }
    switch entry.parts[1] {
    case "ElogT": return try sum().logMean
    case "VlogT": return try sum().logVariance
    case "cdf": return try sum().cumulative(at: entry.number("t"))
    case "pdf": return try sum().density(at: entry.number("t"))
    case "mean": return try biased()?.mean
    case "m2": return try biased()?.meanSquare
    case "k1": return try kernel().product
    case "k2": return try kernel().squareProduct
    case "f": return try kernel().cosineAfterLayer
    case "kernel20":
      return try RectifierKernel.cosines(from: entry.number("rho0"), depth: entry.count("L")).last
    case "relvar":
      return try RectifierChain.he(width: entry.count("N"), depth: entry.count("L"))
        .relativeVariance()
    default: return nil
    }
  }

  private func risotto(_ entry: ReferenceEntry) throws -> Double? {
    guard entry.parts[1] == "kernel" else { return nil }
    let square = try entry.number("alpha^2")
    let block = ResidualBlockPropagation.he(
      branchFactor: square.squareRoot(), skipFactor: (1 - square).squareRoot())
    return try block.cosines(from: 0, depth: entry.count("blocks")).last
  }
}

extension ReferenceEntry {
  fileprivate func number(_ name: String) throws -> Double {
    try #require(numbers[name], "\(id) has no \(name)")
  }

  fileprivate func count(_ name: String) throws -> Int { Int(try number(name)) }

  /// The activation among the inputs, or else the one that the identifier ends with.
  fileprivate func activation(_ name: String? = nil) throws -> ActivationFunction {
    let aliases = ["lrelu": "leaky-relu", "htanh": "hard-tanh", "erfn": "unit-erf"]
    let name = try name ?? names["activation"] ?? #require(parts.last)
    return ActivationFunction(
      try #require(Activation(named: aliases[name] ?? name, parameter: numbers["param"])))
  }
}
