public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// How the singular values of a Jacobian are found.
public enum SpectrumMethod: String, Sendable, Hashable, CaseIterable {
  /// All of them where there are at most so many as `SpectrumStudy.largestDense`, else by Lanczos.
  case auto
  /// All min(n, m) of them; see `JacobianOperator.DenseOptions`.
  case dense
  /// Stochastic Lanczos quadrature; see `JacobianOperator.LanczosOptions`.
  case lanczos
}

/// The spectra of one network at several inputs and initial weights, and the law beside them.
public struct SpectrumStudy: Sendable {
  /// The architecture.
  public var network: any Network
  /// Where the Jacobians start and end.
  public var section: JacobianSection
  /// Of vectors and products.
  public var precision: DType
  /// Inputs, each C·H·W normalized numbers.
  public var images: [[Double]]
  /// The batch whose statistics Batch Normalization has at initial weights; empty for `images`.
  public var normalizationImages: [[Double]] = []
  /// How singular values are found.
  public var method = SpectrumMethod.auto
  /// What Lanczos quadrature costs, where it is taken.
  public var lanczos = JacobianOperator.LanczosOptions()
  /// `auto` takes all singular values up to so many.
  public var largestDense = Self.automaticDense

  /// The default of `largestDense`.
  public static let automaticDense = 4096

  /// A study of a network at these images, with the default method.
  public init(
    network: any Network, section: JacobianSection, precision: DType, images: [[Double]]
  ) {
    self.network = network
    self.section = section
    self.precision = precision
    self.images = images
  }

  /// What a study found.
  public struct Result: Sendable {
    /// One for each seed and input.
    public let spectra: [Spectrum]
    /// All spectra in a few numbers.
    public let summary: SpectrumSummary
    /// The law beside them, or why there is none; of several seeds, the mean of each one's own law.
    public let prediction: Prediction
    /// The Kolmogorov–Smirnov distance of all singular values from the law; nil where there is no law.
    public let distance: Double?
  }

  /// Measures at initial weights.
  ///
  /// - Parameters:
  ///   - seeds: of the weights.
  ///   - onSpectrum: called after each spectrum with how many are done.
  /// - Throws: `SpectrumError`, `InitializationError`, and what the backend throws.
  public func run(
    initializer: any Initializer, seeds: [UInt64], on backend: any Backend,
    onSpectrum: (Int) throws -> Void = { _ in }
  ) throws -> Result {
    precondition(!seeds.isEmpty && !images.isEmpty, "a study has an input and a seed")
    let jacobian = try makeOperator(on: backend, sharing: nil)
    let subject = Prediction.Subject(
      network: network, ensemble: initializer.weightEnsemble, section: section, images: images,
      precision: precision)
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
      // What a law leaves open is measured on each seed's own weights.
      predictions.append(
        try Prediction.make(for: subject, on: backend, sharing: jacobian.evaluation, seed: seed))
    }
    return result(spectra, Prediction(mixing: predictions))
  }

  /// Measures with the parameters that a session has, as of a checkpoint or of a run under way.
  ///
  /// - Throws: `SpectrumError`, and what the backend throws.
  public func run(
    sharing session: any Session, on backend: any Backend,
    onSpectrum: (Int) throws -> Void = { _ in }
  ) throws -> Result {
    try run(
      with: try makeOperator(on: backend, sharing: session), onSpectrum: onSpectrum)
  }

  /// The same with an operator that was made before, by `makeOperator`.
  public func run(
    with jacobian: JacobianOperator, onSpectrum: (Int) throws -> Void = { _ in }
  ) throws -> Result {
    var spectra: [Spectrum] = []
    for image in images {
      spectra.append(try spectrum(jacobian, at: image))
      try onSpectrum(spectra.count)
    }
    return result(spectra, Prediction(none: "no law is known for weights that were trained"))
  }

  /// The Jacobian of the network on a device.
  ///
  /// - Parameter session: whose variables it uses; nil for variables of its own.
  /// - Throws: what the backend throws.
  public func makeOperator(
    on backend: any Backend, sharing session: (any Session)?
  ) throws -> JacobianOperator {
    let jacobian = try JacobianOperator(
      of: network, section, precision: precision, on: backend, sharing: session)
    guard isLanczos(jacobian), jacobian.batch > lanczos.probes else { return jacobian }
    return try JacobianOperator(
      of: network, section, precision: precision, batch: lanczos.probes, on: backend,
      sharing: session)
  }

  private func isLanczos(_ jacobian: JacobianOperator) -> Bool {
    switch method {
    case .auto: min(jacobian.inputCount, jacobian.outputCount) > largestDense
    case .dense: false
    case .lanczos: true
    }
  }

  private func spectrum(_ jacobian: JacobianOperator, at image: [Double]) throws -> Spectrum {
    try jacobian.move(to: image)
    return try isLanczos(jacobian)
      ? jacobian.lanczosSpectrum(lanczos) : jacobian.denseSpectrum()
  }

  private func result(_ spectra: [Spectrum], _ prediction: Prediction) -> Result {
    return Result(
      spectra: spectra, summary: SpectrumSummary(spectra), prediction: prediction,
      distance: prediction.law.map { LawDistance.between(spectra, and: $0) })
  }
}
