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

  /// The law of a network with the initial weights that `session` holds.
  ///
  /// The free parameters of a law are c, the fraction of open slopes, and the weights' variance. They
  /// are measured on the network, layer by layer, so that one method covers every initialization,
  /// padding and activation. The law then predicts the spectrum of the whole from the strengths of its
  /// layers.
  ///
  /// - Parameters:
  ///   - study: the network, its section and inputs, and the precision of the measured signals.
  ///   - ensemble: of the hidden weights.
  /// - Throws: the backend's errors.
  public static func make(
    for study: SpectrumStudy, _ ensemble: WeightEnsemble, on backend: any Backend,
    sharing session: any Session, seed: UInt64
  ) throws -> Prediction {
    let network = study.network
    switch network.normalization {
    case .none: break
    case .batch:
      return Prediction(none: "no law is known for Batch Normalization with frozen statistics")
    case .weight: return Prediction(none: "no law is known for standardized weights")
    }
    let primal = Linearization.Primal(
      network, study.section, precision: study.precision.dtype, batch: 1)
    guard primal.end == primal.values.features else {
      return Prediction(
        none:
          "the laws are for \(.sectionEnd) features; the pooling and the head are not part of them")
    }
    guard !primal.builder.layout.hasPooledLayers else {
      return Prediction(none: "no law is known for layers that pool their results")
    }
    let weights: WeightLaw
    switch ensemble {
    case .isometry: return isometry(study, primal, isLossless: false)
    case .losslessIsometry: return isometry(study, primal, isLossless: true)
    case .mirrored(let isOrthogonal):
      return mirrored(study, primal, isOrthogonal: isOrthogonal)
    case .other: return Prediction(none: "no law is known for these initial weights")
    case .independent: weights = .gaussian
    case .orthogonal: weights = .orthogonal
    }
    do {
      let strength = try MeasuredStrength(
        of: network, at: study.images, precision: study.precision.dtype, on: backend,
        sharing: session, seed: seed)
      let layers = Layers(
        layout: primal.builder.layout, weights: weights, strength: strength, session: session)
      return try primal.values.blocks.isEmpty
        ? feedForward(study, layers) : residual(study, layers)
    } catch let error as SpectrumError {
      return Prediction(none: "\(error)")
    } catch let error as TheoryError {
      return Prediction(none: "the law does not reach so far: \(error)")
    }
  }

  private static func isometry(
    _ study: SpectrumStudy, _ primal: Linearization.Primal, isLossless: Bool
  ) -> Prediction {
    guard study.section.start == .input, study.network.activation == .relu else {
      return Prediction(none: "the isometry is that of a ReLU network from the input")
    }
    let graph = primal.builder.graph
    let image = study.network.imageShape  // [C, H, W]
    let count = min(image.elementCount, graph.shape(of: primal.end).elementCount)
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
    _ study: SpectrumStudy, _ primal: Linearization.Primal, isOrthogonal: Bool
  ) -> Prediction {
    let layout = primal.builder.layout
    guard isOrthogonal, layout.blocks.isEmpty else {
      return Prediction(
        none: "of mirrored weights only orthogonal ones in plain networks have a known law")
    }
    guard study.section.start == .input else {
      return Prediction(none: "the isometry is that from the input; use \(.sectionStart) input")
    }
    let imageCount = study.network.imageShape.elementCount
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
