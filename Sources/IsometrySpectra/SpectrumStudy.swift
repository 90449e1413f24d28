public import IsometryCore
public import IsometryGraph
public import IsometryNN
internal import RealModule

/// The method for the singular values of a Jacobian.
public enum SpectrumMethod: String, Sendable, Hashable, CaseIterable {
  /// All singular values if there are at most `SpectrumStudy.largestDense`, otherwise Lanczos
  /// quadrature.
  case auto
  /// All min(n, m) singular values; see `JacobianOperator.DenseOptions`.
  case dense
  /// Stochastic Lanczos quadrature; see `JacobianOperator.LanczosOptions`.
  case lanczos

  /// The spectrum by this method, where `auto` computes up to `largestDense` singular values in full.
  func spectrum(
    of jacobian: some JacobianProducts, largestDense: Int,
    _ lanczos: JacobianOperator.LanczosOptions
  ) throws -> Spectrum {
    try isLanczos(jacobian, largestDense: largestDense)
      ? jacobian.lanczosSpectrum(lanczos) : jacobian.denseSpectrum()
  }

  func isLanczos(_ jacobian: some JacobianProducts, largestDense: Int) -> Bool {
    switch self {
    case .auto: min(jacobian.inputCount, jacobian.outputCount) > largestDense
    case .dense: false
    case .lanczos: true
    }
  }
}

/// The spectra of one network at several inputs and initial weights, compared with the law.
public struct SpectrumStudy: Sendable {
  /// The architecture.
  public var network: any Network
  /// The start and the end of the Jacobians.
  public var section: JacobianSection
  /// The precision of vectors and products.
  public var precision: Precision
  /// Inputs, each C·H·W normalized numbers.
  public var images: [[Double]]
  /// The batch that gives Batch Normalization its statistics at initial weights; `images` if empty.
  public var normalizationImages: [[Double]] = []
  /// The method for singular values.
  public var method = SpectrumMethod.auto
  /// The options of Lanczos quadrature.
  public var lanczos = JacobianOperator.LanczosOptions()
  /// The largest number of singular values that `auto` computes in full.
  public var largestDense = Self.automaticDense

  /// The default of `largestDense`.
  public static let automaticDense = 4096

  /// Makes a study of a network at these images, with the default method.
  public init(
    network: any Network, section: JacobianSection, precision: Precision, images: [[Double]]
  ) {
    self.network = network
    self.section = section
    self.precision = precision
    self.images = images
  }

  /// The results of a study.
  public struct Result: Sendable {
    /// One spectrum for each seed and input.
    public let spectra: [Spectrum]
    /// A summary of all spectra.
    public let summary: SpectrumSummary
    /// The law, or the reason why there is none. For several seeds it is the mean of the seeds' laws.
    public let prediction: Prediction
    /// The Kolmogorov–Smirnov distance of all singular values from the law; nil if there is no law.
    public let distance: Double?

    /// log σ² of every singular value above 0, with the share of all that it represents.
    package var logarithms: [(t: Double, weight: Double)] {
      spectra.flatMap { spectrum in
        zip(spectrum.values, spectrum.weights).lazy.filter { $0.0 > 0 }.map {
          (2 * Double.log($0.0), $0.1 / Double(spectra.count))
        }
      }
    }
  }

  /// Measures at initial weights.
  ///
  /// - Parameters:
  ///   - seeds: of the weights.
  ///   - onSpectrum: called after each spectrum with the number of finished ones.
  /// - Throws: `SpectrumError`, `InitializationError`, and the backend's errors.
  public func run(
    initializer: any Initializer, seeds: [UInt64], on backend: any Backend,
    onSpectrum: (Int) throws -> Void = { _ in }
  ) throws -> Result {
    precondition(!seeds.isEmpty && !images.isEmpty, "a study has an input and a seed")
    let jacobian = try makeOperator(on: backend, sharing: nil)
    var spectra: [Spectrum] = []
    var predictions: [Prediction] = []
    for seed in seeds {
      try jacobian.writeInitialState(initializer: initializer, seed: seed)
      try jacobian.measureStatistics(
        of: normalizationImages.isEmpty ? images : normalizationImages)
      for image in images {
        spectra.append(try spectrum(jacobian, at: image))
        try onSpectrum(spectra.count)
      }
      // The law's free parameters are measured on each seed's weights.
      predictions.append(
        try Prediction.make(
          for: self, initializer.weightEnsemble, on: backend, sharing: jacobian.evaluation,
          seed: seed))
    }
    return result(spectra, Prediction(mixing: predictions))
  }

  /// Measures with an operator that `makeOperator` made, for example of a checkpoint's parameters or of
  /// a running training's.
  ///
  /// - Throws: `SpectrumError`, and the backend's errors.
  public func run(
    with jacobian: JacobianOperator, onSpectrum: (Int) throws -> Void = { _ in }
  ) throws -> Result {
    // A rectifier may hide them: it makes a NaN 0 on some devices.
    if let name = try jacobian.evaluation.nonFiniteVariable() {
      throw SpectrumError.unsuitable(
        reason: "\(name) holds values that are not finite; take other weights")
    }
    var spectra: [Spectrum] = []
    for image in images {
      spectra.append(try spectrum(jacobian, at: image))
      try onSpectrum(spectra.count)
    }
    return result(spectra, Prediction(none: "no law is known for weights that were trained"))
  }

  /// Makes the Jacobian of the network on a device.
  ///
  /// - Parameter session: the owner of the variables; nil for separate variables.
  /// - Throws: the backend's errors.
  public func makeOperator(
    on backend: any Backend, sharing session: (any Session)?
  ) throws -> JacobianOperator {
    let jacobian = try JacobianOperator(
      of: network, section, precision: precision, on: backend, sharing: session)
    guard method.isLanczos(jacobian, largestDense: largestDense),
      jacobian.batch > lanczos.probes
    else { return jacobian }
    return try JacobianOperator(
      of: network, section, precision: precision, batch: lanczos.probes, on: backend,
      sharing: session)
  }

  private func spectrum(_ jacobian: JacobianOperator, at image: [Double]) throws -> Spectrum {
    guard try jacobian.move(to: image).allSatisfy(\.isFinite) else {
      throw SpectrumError.unsuitable(
        reason: "the network's values are not finite; take other weights or inputs")
    }
    return try method.spectrum(of: jacobian, largestDense: largestDense, lanczos)
  }

  private func result(_ spectra: [Spectrum], _ prediction: Prediction) -> Result {
    Result(
      spectra: spectra, summary: SpectrumSummary(spectra), prediction: prediction,
      distance: prediction.law.map { LawDistance.between(spectra, and: $0) })
  }
}
