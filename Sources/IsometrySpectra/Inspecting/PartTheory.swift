internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN
internal import IsometryTheory

/// The theory of one network's parts.
///
/// Weights that are independent of each other and of mean 0 make wide layers whose pre-activations are
/// Gaussian, so that a part's effect on two signals follows from the signals' moments and the weights'
/// sizes, which are read from the network. Mirrored weights are linear maps of x₊ − x₋.
///
/// - Source: docs/theory.md, "How a signal travels" and "What residual blocks do to similarity".
struct PartTheory {
  let layout: NetworkLayout
  let ensemble: WeightEnsemble
  let imageShape: Shape
  let session: any Session
  let function: ActivationFunction

  /// A part as it was found.
  struct Subject {
    let part: Int
    /// [C, H, W], or [C]; of one signal that reaches the part.
    let shape: Shape
    /// Of the part's results.
    let isActivated: Bool
    /// Pairs of signals that reach the part.
    let pairs: [(x: [Double], y: [Double])]
    /// Inputs of the part that carry a signal, and its singular values.
    let (activeInputs, fullCount): (Int, Int)
    /// Elements of the part's result.
    let outputCount: Int

    /// [H, W], or nothing.
    var imageSize: [Int] { Array(shape.dimensions.dropFirst()) }
  }

  init(
    layout: NetworkLayout, ensemble: WeightEnsemble, imageShape: Shape, session: any Session
  ) {
    self.layout = layout
    self.ensemble = ensemble
    self.imageShape = imageShape
    self.session = session
    function = ActivationFunction(layout.activation)
  }

  func prediction(_ subject: Subject) throws -> PartPrediction {
    do {
      switch ensemble {
      case .independent, .orthogonal: return try independent(subject)
      case .mirrored(let isOrthogonal):
        return try mirrored(subject, isOrthogonal: isOrthogonal)
      case .isometry, .losslessIsometry:
        return layout.normalization == .none ? try isometry(subject) : PartPrediction()
      case .other: return PartPrediction()
      }
    } catch is TheoryError {
      return PartPrediction()
    }
  }

  /// Of the network from the image to the end of a part: the isometries say something.
  func cumulativePrediction(through part: Int, fullCount: Int) -> PartPrediction {
    var prediction = PartPrediction()
    guard layout.normalization == .none else { return prediction }
    switch ensemble {
    case .isometry, .losslessIsometry:
      let kept = KeptSignal(layout, imageShape, isLossless: ensemble == .losslessIsometry)
      prediction.setFlat(1, count: kept.count(through: part), of: fullCount)
      if kept.isComplete(through: part) { prediction.gain = 1 }
    case .independent, .orthogonal, .mirrored, .other: break
    }
    return prediction
  }

  // MARK: Independent weights

  /// What a part makes of a pair of signals, and the mean of ‖J·v‖² over unit vectors v of active
  /// inputs.
  private typealias Effect = (moments: SignalMoments, perDirection: Double)

  private func independent(_ subject: Subject) throws -> PartPrediction {
    var prediction = PartPrediction()
    let effect: (SignalMoments, (x: [Double], y: [Double])) throws -> Effect
    switch layout.parts[subject.part] {
    case .layer(let layer):
      let gain = try LayerGain(layer, inputSize: subject.imageSize, session: session)
      effect = { moments, _ in
        let before = moments.throughWeights(
          gain: gain.meanSquare, biasVariance: gain.biasVariance)
        guard subject.isActivated else { return (before, gain.perDirection) }
        let (after, slope) = try before.throughActivation(function)
        return (after, gain.perDirection * slope)
      }
    case .block(let block):
      let strengths = try BlockGains(block, inputSize: subject.imageSize, session: session)
      effect = { try self.effect(of: block, strengths, on: $0, $1) }
      if strengths.hasZeroBranch, let factor = block.plainSkipFactor {
        prediction.setFlat(
          abs(factor), count: subject.activeInputs, of: subject.fullCount)
      }
    }
    var (gains, cosines, directions) = ([Double](), [Double](), [Double]())
    for pair in subject.pairs {
      let moments = SignalMoments(pair.x, pair.y)
      let (after, perDirection) = try effect(moments, pair)
      let share = Double(subject.outputCount) / Double(pair.x.count)
      gains.append(share * after.meanSquares.0 / moments.meanSquares.0)
      gains.append(share * after.meanSquares.1 / moments.meanSquares.1)
      directions.append(perDirection)
      if let cosine = after.cosine { cosines.append(cosine) }
    }
    prediction.gain = gains.mean
    prediction.cosine = cosines.mean
    prediction.meanSquare =
      directions.mean.map { $0 * Double(subject.activeInputs) / Double(subject.fullCount) }
    return prediction
  }

  private func effect(
    of block: NetworkLayout.Block, _ gains: BlockGains, on moments: SignalMoments,
    _ pair: (x: [Double], y: [Double])
  ) throws -> Effect {
    var branch = moments
    var direction = 1.0
    for (index, gain) in gains.branch.enumerated() {
      branch = branch.throughWeights(gain: gain.meanSquare, biasVariance: gain.biasVariance)
      direction *= gain.perDirection
      guard index + 1 < gains.branch.count || block.form == .activatedBranch else { continue }
      let (after, slope) = try branch.throughActivation(function)
      branch = after
      direction *= slope
    }
    branch = branch.scaled(by: gains.multiplier)
    direction *= gains.multiplier * gains.multiplier
    let factor = block.sumFactor
    switch (block.form, block.skip) {
    case (.activatedBranch, _):
      let weight = block.plainSkipFactor.map { $0 / factor } ?? 1
      let sum = branch.adding(moments.scaled(by: weight)).scaled(by: factor)
      return (sum, factor * factor * (weight * weight + direction))
    case (.activatedSum, .projection):
      guard let skip = gains.skip else { preconditionFailure("a projection has a layer") }
      let carried = moments.throughWeights(
        gain: skip.meanSquare, biasVariance: skip.biasVariance)
      let (after, slope) = try branch.adding(carried).scaled(by: factor)
        .throughActivation(function)
      return (after, factor * factor * slope * (direction + skip.perDirection))
    case (.activatedSum, _):
      let sample = RectifiedSum(
        of: pair, adding: branch, scaledBy: factor, through: layout.activation)
      return (
        sample.moments,
        factor * factor * (sample.activeSlope + sample.slope * direction)
      )
    }
  }

  // MARK: Mirrored weights

  private func mirrored(_ subject: Subject, isOrthogonal: Bool) throws -> PartPrediction {
    var prediction = PartPrediction()
    var gain: Double
    switch layout.parts[subject.part] {
    case .layer(let layer):
      gain = try LayerGain(layer, inputSize: subject.imageSize, session: session).perDirection / 2
      if isOrthogonal {
        prediction.setFlat(
          1, count: min(subject.activeInputs, subject.outputCount / 2), of: subject.fullCount)
      }
    case .block(let block):
      let gains = try BlockGains(block, inputSize: subject.imageSize, session: session)
      gain = gains.branch.reduce(gains.multiplier * gains.multiplier) {
        $0 * $1.perDirection / 2
      }
      gain += (gains.skip?.perDirection ?? 0) / 2
    }
    prediction.gain = gain
    prediction.cosine = try cosineOfHalves(subject) { $0 }
    if prediction.meanSquare == nil {
      prediction.meanSquare = gain * Double(subject.activeInputs) / Double(subject.fullCount)
    }
    return prediction
  }

  private func isometry(_ subject: Subject) throws -> PartPrediction {
    var prediction = PartPrediction()
    let kept = KeptSignal(layout, imageShape, isLossless: ensemble == .losslessIsometry)
    guard case .block(let block) = layout.parts[subject.part] else {
      prediction.gain = 1
      prediction.cosine = try cosineOfHalves(subject) { $0 }
      prediction.setFlat(1, count: subject.activeInputs, of: subject.fullCount)
      return prediction
    }
    let stride = block.branch.map(\.stride).reduce(1, *)
    if ensemble == .losslessIsometry, stride > 1 {
      guard kept.isComplete(through: subject.part) else { return prediction }
      prediction.gain = 1
      prediction.cosine = try cosineOfHalves(subject) { $0 }
      return prediction
    }
    let (rows, columns) = (subject.shape[1], subject.shape[2])
    func read(_ half: [Double]) -> [Double] {
      stride == 1
        ? half
        : half.indices.filter {
          ($0 / columns % rows) % stride == 0 && ($0 % columns) % stride == 0
        }.map { half[$0] }
    }
    prediction.cosine = try cosineOfHalves(subject, read)
    prediction.gain =
      subject.pairs.map { pair in
        let half = pair.x.halvesDifference
        return read(half).sumOfSquares / half.sumOfSquares
      }.mean
    let pixels = ((rows + stride - 1) / stride) * ((columns + stride - 1) / stride)
    prediction.setFlat(1, count: subject.shape[0] / 2 * pixels, of: subject.fullCount)
    return prediction
  }

  /// The cosine of [û₊; û₋] for signals û that a random rotation has turned, from that of û.
  ///
  /// - Parameter read: what of û the part reads.
  private func cosineOfHalves(
    _ subject: Subject, _ read: ([Double]) -> [Double]
  ) throws -> Double? {
    try subject.pairs.compactMap { pair in
      let (x, y) =
        subject.part == 0 ? pair : (pair.x.halvesDifference, pair.y.halvesDifference)
      return try SignalMoments(read(x), read(y)).cosine.map {
        try RectifierKernel(cosine: $0).cosineAfterLayer
      }
    }.mean
  }
}

/// The layers of one block.
private struct BlockGains {
  let branch: [LayerGain]
  let skip: LayerGain?
  let multiplier: Double

  init(_ block: NetworkLayout.Block, inputSize: [Int], session: any Session) throws {
    var size = inputSize
    branch = try block.branch.map { layer in
      defer { size = layer.imageSize }
      return try LayerGain(layer, inputSize: size, session: session)
    }
    skip =
      if case .projection(let layer) = block.skip {
        try LayerGain(layer, inputSize: inputSize, session: session)
      } else {
        nil
      }
    multiplier = try block.multiplier.map { try session.read(variable: $0.name).scalar } ?? 1
  }

  /// Whether the branch gives 0 and passes nothing on, whatever it reads.
  var hasZeroBranch: Bool {
    multiplier == 0
      || branch.last.map { $0.perDirection == 0 && $0.biasVariance == 0 } ?? false
  }
}

extension NetworkLayout.Block {
  /// What the block multiplies x by beside its branch; nil for a projection.
  fileprivate var plainSkipFactor: Double? {
    switch skip {
    case .identity: sumFactor
    case .scaled(let weight): sumFactor * weight
    case .projection: nil
    }
  }
}

extension [Double] {
  /// nil of nothing.
  var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }

  var sumOfSquares: Double { reduce(0) { $0 + $1 * $1 } }

  /// x₊ − x₋: the first half of the channels less the second.
  fileprivate var halvesDifference: [Double] {
    let half = count / 2
    return (0..<half).map { self[$0] - self[half + $0] }
  }
}
