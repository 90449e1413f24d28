public import IsometryCore
public import IsometryGraph
public import IsometryNN
public import IsometryTheory

/// The law of a network's singular values at its initial weights, or the reason why there is none.
public struct Prediction: Sendable {
  /// The law; nil if none is known.
  public let law: (any SpectralLaw)?
  /// The numbers that the law depends on, measured or chosen, with a symbol or a few words as names;
  /// empty if there is no law.
  public let parameters: [(name: String, value: Double)]
  /// The origin of the parameters, or the reason why there is no law.
  public let basis: Explanation

  init(
    _ law: any SpectralLaw, _ parameters: [(name: String, value: Double)], basis: Explanation
  ) {
    self.law = law
    self.parameters = parameters
    self.basis = basis
  }

  /// No law, for a reason.
  public init(none reason: Explanation) {
    law = nil
    parameters = []
    basis = reason
  }

  /// Combines the predictions of several networks, for example of one initializer's seeds. The law is
  /// the mixture of their laws, with the means of their parameters. There is none if one of them has
  /// none.
  ///
  /// - Precondition: there is at least one prediction.
  init(mixing predictions: [Prediction]) {
    let laws = predictions.compactMap(\.law)
    guard laws.count == predictions.count, laws.count > 1 else {
      self = predictions.first { $0.law == nil } ?? predictions[0]
      return
    }
    law = MixtureLaw(laws)
    let first = predictions[0]
    parameters = first.parameters.map { parameter in
      let values = predictions.flatMap(\.parameters).filter { $0.name == parameter.name }
        .map(\.value)
      return (parameter.name, values.reduce(0, +) / Double(max(1, values.count)))
    }
    basis = "\(first.basis); each seed has its own law, and the parameters are their means"
  }

  /// The network of a prediction.
  public struct Subject: Sendable {
    /// The architecture.
    public let network: any Network
    /// The ensemble of the hidden weights.
    public let ensemble: WeightEnsemble
    /// The start and the end of the Jacobian.
    public let section: JacobianSection
    /// The inputs at which spectra are measured, each C·H·W normalized numbers.
    public let images: [[Double]]
    /// The precision of the measured signals.
    public let precision: Precision

    /// Makes a subject from a network, the ensemble of its weights, and the section and inputs to
    /// measure.
    public init(
      network: any Network, ensemble: WeightEnsemble, section: JacobianSection,
      images: [[Double]], precision: Precision
    ) {
      self.network = network
      self.ensemble = ensemble
      self.section = section
      self.images = images
      self.precision = precision
    }
  }

  /// The law of a network with the initial weights that `session` holds.
  ///
  /// The free parameters of a law are c, the fraction of open slopes, and the weights' variance. They
  /// are measured on the network, layer by layer, so that one method covers every initialization,
  /// padding and activation. The law then predicts the spectrum of the whole from the strengths of its
  /// layers.
  ///
  /// - Throws: the backend's errors.
  public static func make(
    for subject: Subject, on backend: any Backend, sharing session: any Session, seed: UInt64
  ) throws -> Prediction {
    let network = subject.network
    guard network.normalization == .none else {
      return Prediction(none: "no law is known for Batch Normalization with frozen statistics")
    }
    let primal = Linearization.Primal(
      network, subject.section, precision: subject.precision.dtype, batch: 1)
    guard primal.end == primal.values.features else {
      return Prediction(
        none:
          "the laws are for \(.sectionEnd) features; the pooling and the head are not part of them")
    }
    switch subject.ensemble {
    case .isometry, .losslessIsometry: return isometry(subject, primal)
    case .mirrored(let isOrthogonal):
      return mirrored(subject, primal, isOrthogonal: isOrthogonal)
    case .other: return Prediction(none: "no law is known for these initial weights")
    case .independent, .orthogonal: break
    }
    do {
      let strength = try MeasuredStrength(
        of: network, at: subject.images, precision: subject.precision.dtype, on: backend,
        sharing: session, seed: seed)
      let layers = Layers(layout: primal.builder.layout, strength: strength, session: session)
      return try primal.values.blocks.isEmpty
        ? feedForward(subject, layers) : residual(subject, layers)
    } catch let error as SpectrumError {
      return Prediction(none: "\(error)")
    } catch let error as TheoryError {
      return Prediction(none: "the law does not reach so far: \(error)")
    }
  }

  private static func isometry(_ subject: Subject, _ primal: Linearization.Primal) -> Prediction {
    guard subject.section.start == .input, subject.network.activation == .relu else {
      return Prediction(none: "the isometry is that of a ReLU network from the input")
    }
    let graph = primal.builder.graph
    let image = subject.network.imageShape  // [C, H, W]
    let count = min(image.elementCount, graph.shape(of: primal.end).elementCount)
    let isLossless = subject.ensemble == .losslessIsometry
    let layout = primal.builder.layout
    let kept = KeptSignal(layout, image, isLossless: isLossless)
      .count(through: layout.segments.count - 1)
    return Prediction(
      keeping: kept, of: count,
      basis: isLossless
        ? "as many dimensions as the channels hold" : "the pixels that the strides read")
  }

  /// The prediction for plain networks of mirrored weights, which are linear maps of the image.
  /// Orthogonal ones are isometries on as many dimensions as half of the width.
  private static func mirrored(
    _ subject: Subject, _ primal: Linearization.Primal, isOrthogonal: Bool
  ) -> Prediction {
    let layout = primal.builder.layout
    guard isOrthogonal, layout.blocks.isEmpty else {
      return Prediction(
        none: "of mirrored weights only orthogonal ones in plain networks have a known law")
    }
    guard subject.section.start == .input else {
      return Prediction(none: "the isometry is that from the input; use \(.sectionStart) input")
    }
    let imageCount = subject.network.imageShape.elementCount
    let widths = layout.layers.filter { $0 != layout.head }.map { $0.outputChannels }
    let kept = min(imageCount, (widths.min() ?? 0) / 2)
    let count = min(imageCount, widths.last ?? 1)
    return Prediction(
      keeping: kept, of: count, basis: "as many dimensions as half of the width holds")
  }

  /// The law of an isometry on some of its dimensions.
  private init(keeping kept: Int, of count: Int, basis: Explanation) {
    let law = IsometryLaw(retained: min(1, Double(kept) / Double(count)))
    self.init(law, [("retained", law.retained)], basis: basis)
  }
}
