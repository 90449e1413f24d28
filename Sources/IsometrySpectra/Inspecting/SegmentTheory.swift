internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN
internal import IsometryTheory

/// The theory of one network's segments.
///
/// With independent weights of mean 0, wide layers have Gaussian pre-activations. A segment's effect on
/// two signals then follows from the signals' moments and the weights' sizes, which are read from the
/// network. Mirrored weights are linear maps of x₊ − x₋.
///
/// - Source: docs/theory.md, "How a signal travels" and "What residual blocks do to similarity".
struct SegmentTheory {
  let layout: NetworkLayout
  let ensemble: WeightEnsemble
  let imageShape: Shape
  let session: any Session

  private var function: ActivationFunction { ActivationFunction(layout.activation) }

  /// A segment's number and the shapes of its input and result.
  struct Geometry {
    let segment: Int
    /// The shape of one input signal, [C, H, W] or [C].
    let shape: Shape
    /// Whether the segment's results are activated.
    let isActivated: Bool
    /// The number of elements of the segment's result.
    let outputCount: Int

    /// [H, W], or empty.
    var imageSize: [Int] { Array(shape.dimensions.dropFirst()) }
  }

  /// A segment with its measured input.
  struct Subject {
    let geometry: Geometry
    /// Pairs of signals that reach the segment.
    let pairs: [(x: [Double], y: [Double])]
    /// The numbers of active inputs and of singular values.
    let (activeInputs, fullCount): (Int, Int)

    var segment: Int { geometry.segment }
    var outputCount: Int { geometry.outputCount }
    var imageSize: [Int] { geometry.imageSize }
  }

  /// The prediction for a segment. Batch Normalization scales every layer by statistics of its batch, and
  /// standardization changes its weights. Networks with either have predictions only for blocks whose
  /// branch starts at 0.
  func prediction(_ subject: Subject) throws -> SegmentPrediction {
    guard try layout.normalization == .none || isPlainSkip(subject), !layout.hasPooledLayers
    else { return SegmentPrediction() }
    do {
      switch ensemble {
      case .independent, .orthogonal: return try independent(subject)
      case .mirrored(let isOrthogonal):
        return try mirrored(subject, isOrthogonal: isOrthogonal)
      case .isometry, .losslessIsometry: return try isometry(subject)
      case .other: return SegmentPrediction()
      }
    } catch is TheoryError {
      return SegmentPrediction()
    }
  }

  /// Whether the segment is a block whose branch contributes nothing and whose skip is its input.
  private func isPlainSkip(_ subject: Subject) throws -> Bool {
    guard case .block(let block) = layout.segments[subject.segment], block.plainSkipFactor != nil
    else { return false }
    return try BlockGains(block, inputSize: subject.imageSize, session: session).hasZeroBranch
  }

  /// The prediction for the network from the image to the end of a segment: the signals, and the
  /// singular values of isometries.
  func cumulativePrediction(
    _ signals: SegmentPrediction, through segment: Int, fullCount: Int
  ) -> SegmentPrediction {
    var prediction = signals
    guard layout.normalization == .none else { return prediction }
    switch ensemble {
    case .isometry, .losslessIsometry:
      prediction.setFlat(1, count: keptSignal.count(through: segment), of: fullCount)
    case .independent, .orthogonal, .mirrored, .other: break
    }
    return prediction
  }

  var keptSignal: KeptSignal {
    KeptSignal(layout, imageShape, isLossless: ensemble == .losslessIsometry)
  }

  // MARK: Independent weights

  /// The segment's results for a pair of signals, and the mean of ‖J·v‖² over unit vectors v of active
  /// inputs.
  typealias Effect = (pair: SignalPair, perDirection: Double)

  private func independent(_ subject: Subject) throws -> SegmentPrediction {
    let effect = try effect(of: subject.geometry, stream: 0)
    var directions: [Double] = []
    let pairs = subject.pairs.map { SignalPair($0.x, $0.y) }
    let results = try pairs.map { pair in
      let (after, perDirection) = try effect(pair)
      directions.append(perDirection)
      return after
    }
    var prediction = SegmentPrediction(
      from: pairs, inputCount: subject.geometry.shape.elementCount, to: results,
      outputCount: subject.outputCount)
    if case .block(let block) = layout.segments[subject.segment],
      let factor = block.plainSkipFactor,
      try isPlainSkip(subject)
    {
      prediction.setFlat(abs(factor), count: subject.activeInputs, of: subject.fullCount)
    }
    prediction.meanSquare =
      directions.mean.map { $0 * Double(subject.activeInputs) / Double(subject.fullCount) }
    return prediction
  }

  /// The effect of a segment of independent weights, from the weights' current sizes.
  ///
  /// - Parameter stream: of the draws that an expectation needs; segments that follow one another take
  ///   different ones.
  /// - Throws: what reading the weights throws; the effect throws `TheoryError` for signals that are 0.
  func effect(of geometry: Geometry, stream: UInt64) throws -> (SignalPair) throws -> Effect {
    switch layout.segments[geometry.segment] {
    case .layer(let layer):
      let gain = try LayerGain(layer, inputSize: geometry.imageSize, session: session)
      return { pair in
        let before = pair.moments.throughWeights(
          gain: gain.meanSquare, biasVariance: gain.biasVariance)
        guard geometry.isActivated else { return (SignalPair(before), gain.perDirection) }
        let (after, slope) = try before.throughActivation(function)
        return (
          SignalPair(after, of: layout.activation, at: before), gain.perDirection * slope
        )
      }
    case .block(let block):
      let gains = try BlockGains(block, inputSize: geometry.imageSize, session: session)
      return { try self.effect(of: block, gains, at: geometry, on: $0, stream: stream) }
    }
  }

  private func effect(
    of block: NetworkLayout.Block, _ gains: BlockGains, at geometry: Geometry, on pair: SignalPair,
    stream: UInt64
  ) throws -> Effect {
    let moments = pair.moments
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
      return (SignalPair(sum), factor * factor * (weight * weight + direction))
    case (.activatedSum, .projection):
      guard let skip = gains.skip else { preconditionFailure("a projection has a layer") }
      let carried = moments.throughWeights(
        gain: skip.meanSquare, biasVariance: skip.biasVariance)
      let before = branch.adding(carried).scaled(by: factor)
      let (after, slope) = try before.throughActivation(function)
      return (
        SignalPair(after, of: layout.activation, at: before),
        factor * factor * slope * (direction + skip.perDirection)
      )
    case (.activatedSum, _):
      let sample = RectifiedSum(
        of: pair.elements(count: geometry.shape.elementCount, stream: stream), adding: branch,
        scaledBy: factor, through: layout.activation, stream: stream)
      return (
        sample.pair,
        factor * factor * (sample.activeSlope + sample.slope * direction)
      )
    }
  }

  // MARK: Mirrored weights

  private func mirrored(_ subject: Subject, isOrthogonal: Bool) throws -> SegmentPrediction {
    var prediction = SegmentPrediction()
    let gain = try mirroredGain(of: subject.geometry)
    if case .layer = layout.segments[subject.segment], isOrthogonal {
      prediction.setFlat(
        1, count: min(subject.activeInputs, subject.outputCount / 2), of: subject.fullCount)
    }
    prediction.gain = gain
    prediction.cosine = try cosineOfHalves(subject) { $0 }
    if prediction.meanSquare == nil {
      prediction.meanSquare = gain * Double(subject.activeInputs) / Double(subject.fullCount)
    }
    return prediction
  }

  /// E ‖W·û‖²/‖û‖² of the linear map û → W·û that a segment is, over independent half matrices.
  func mirroredGain(of geometry: Geometry) throws -> Double {
    switch layout.segments[geometry.segment] {
    case .layer(let layer):
      return try LayerGain(layer, inputSize: geometry.imageSize, session: session).perDirection / 2
    case .block(let block):
      let gains = try BlockGains(block, inputSize: geometry.imageSize, session: session)
      let branch = gains.branch.reduce(gains.multiplier * gains.multiplier) {
        $0 * $1.perDirection / 2
      }
      return branch + (gains.skip?.perDirection ?? 0) / 2
    }
  }

  private func isometry(_ subject: Subject) throws -> SegmentPrediction {
    var prediction = SegmentPrediction()
    let kept = keptSignal
    guard case .block(let block) = layout.segments[subject.segment] else {
      prediction.gain = 1
      prediction.cosine = try cosineOfHalves(subject) { $0 }
      prediction.setFlat(1, count: subject.activeInputs, of: subject.fullCount)
      return prediction
    }
    let stride = block.branch.map(\.stride).reduce(1, *)
    if ensemble == .losslessIsometry, stride > 1 {
      guard kept.isComplete(through: subject.segment) else { return prediction }
      prediction.gain = 1
      prediction.cosine = try cosineOfHalves(subject) { $0 }
      return prediction
    }
    let (rows, columns) = (subject.imageSize[0], subject.imageSize[1])
    func read(_ half: [Double]) -> [Double] { half.pixels(of: subject.imageSize, each: stride) }
    prediction.cosine = try cosineOfHalves(subject, read)
    prediction.gain =
      subject.pairs.map { pair in
        let half = pair.x.halvesDifference
        return read(half).sumOfSquares / half.sumOfSquares
      }.mean
    let pixels = ((rows + stride - 1) / stride) * ((columns + stride - 1) / stride)
    prediction.setFlat(1, count: subject.geometry.shape[0] / 2 * pixels, of: subject.fullCount)
    return prediction
  }

  /// The cosine of [û₊; û₋] for randomly rotated signals û, from the cosine of û.
  ///
  /// - Parameter read: selects the elements of û that the segment reads.
  private func cosineOfHalves(
    _ subject: Subject, _ read: ([Double]) -> [Double]
  ) throws -> Double? {
    try subject.pairs.compactMap { pair in
      let (x, y) =
        subject.segment == 0 ? pair : (pair.x.halvesDifference, pair.y.halvesDifference)
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

  /// Whether the branch is 0 with a zero Jacobian for every input.
  var hasZeroBranch: Bool {
    multiplier == 0
      || branch.last.map { $0.perDirection == 0 && $0.biasVariance == 0 } ?? false
  }
}

extension NetworkLayout.Block {
  /// The factor of x outside the branch; nil for a projection.
  fileprivate var plainSkipFactor: Double? {
    switch skip {
    case .identity: sumFactor
    case .scaled(let weight): sumFactor * weight
    case .projection: nil
    }
  }
}

extension [Double] {
  /// The mean; nil for an empty array.
  var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }

  var sumOfSquares: Double { reduce(0) { $0 + $1 * $1 } }

  /// The pixels of all channels in every stride-th row and column.
  func pixels(of imageSize: [Int], each stride: Int) -> [Double] {
    guard stride > 1 else { return self }
    let (rows, columns) = (imageSize[0], imageSize[1])
    return indices.filter {
      ($0 / columns % rows) % stride == 0 && ($0 % columns) % stride == 0
    }.map { self[$0] }
  }

  /// x₊ − x₋: the first half of the channels minus the second.
  fileprivate var halvesDifference: [Double] {
    let half = count / 2
    return (0..<half).map { self[$0] - self[half + $0] }
  }
}
