public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// An inspection of a network at its initial weights: signals and their changes, for each segment
/// and the whole, compared with theory.
///
/// Signals are measured for all images, Jacobians at the first.
public struct NetworkInspection: Sendable {
  /// The architecture.
  public var network: any Network
  /// The precision of signals, vectors and products.
  public var precision: Precision
  /// Inputs, each C·H·W normalized numbers; two or more.
  public var images: [[Double]]
  /// The batch that gives Batch Normalization its statistics; `images` if empty.
  public var normalizationImages: [[Double]] = []
  /// The method for singular values.
  public var method = SpectrumMethod.auto
  /// The options of Lanczos quadrature.
  public var lanczos = JacobianOperator.LanczosOptions(steps: 24, probes: 4)
  /// The largest number of singular values that `auto` computes in full.
  public var largestDense = Self.automaticDense
  /// Whether each segment is measured together with all segments before it, from the image on.
  public var isCumulative = false

  /// The default of `largestDense`. It is smaller than for one spectrum: there are many segments.
  public static let automaticDense = 1024

  /// An inspection of a network at these images.
  public init(network: any Network, precision: Precision, images: [[Double]]) {
    self.network = network
    self.precision = precision
    self.images = images
  }

  /// The measurements of one segment, or of the whole network.
  public struct Finding: Sendable {
    /// The segment's name, or the section of the network.
    public let name: String
    /// The number of input elements.
    public let inputCount: Int
    /// The number of output elements.
    public let outputCount: Int
    /// The mean of ‖out‖²/‖in‖² over the images with a nonzero input signal; nil if there is none.
    public let gain: Double?
    /// The mean cosine of two images' input signals; nil if a signal is 0.
    public let cosineBefore: Double?
    /// The mean cosine of two images' output signals; nil if a signal is 0.
    public let cosineAfter: Double?
    /// E σ of the Jacobian, including zeros.
    public let mean: Double
    /// E σ² of the Jacobian, including zeros.
    public let meanSquare: Double
    /// The smallest nonzero σ; nil if all are 0.
    public let smallest: Double?
    /// The largest σ.
    public let largest: Double
    /// The fraction of the singular values that are 0.
    public let zeroFraction: Double
    /// The method for the singular values; nil if no unit carries a signal.
    public let method: Spectrum.Method?
    /// The prediction of theory.
    public let prediction: SegmentPrediction
  }

  /// The results of an inspection.
  public struct Result: Sendable {
    /// One finding for each of the network's segments.
    public let segments: [Finding]
    /// The finding for the network from the start of its law to its features.
    public let whole: Finding
    /// The law of the whole, or the reason why there is none.
    public let law: Prediction
  }

  /// Measures at initial weights.
  ///
  /// - Parameters:
  ///   - initializer: resolved, if it measures.
  ///   - onSegment: called before each segment with the numbers of finished and of all segments,
  ///     including the whole network.
  /// - Throws: `SpectrumError`, `InitializationError`, and the backend's errors.
  public func run(
    initializer: any Initializer, seed: UInt64, on backend: any Backend,
    onSegment: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> Result {
    precondition(images.count > 1, "an inspection compares two inputs")
    let section = JacobianSection(from: start(for: initializer.weightEnsemble))
    let whole = try JacobianOperator(of: network, section, precision: precision, on: backend)
    try whole.writeInitialState(initializer: initializer, seed: seed)
    try whole.measureStatistics(of: normalizationImages.isEmpty ? images : normalizationImages)
    let layout = whole.layout
    let signals = try SegmentSignals(
      of: network, at: images, precision: precision.dtype, on: backend, sharing: whole.evaluation)
    let theory = SegmentTheory(
      layout: layout, ensemble: initializer.weightEnsemble, imageShape: network.imageShape,
      session: whole.evaluation)
    let geometries = signals.geometries(imageShape: network.imageShape)
    func course(from first: Int, _ rows: [[Double]]) throws -> SignalCourse {
      try SignalCourse(theory, through: geometries, from: first, pairs: pairs(of: rows))
    }
    let fromImages = try isCumulative ? course(from: 0, images) : nil
    var findings: [Finding] = []
    var before = images
    for (index, segment) in layout.segments.enumerated() {
      try onSegment(findings.count, layout.segments.count + 1)
      let after = try signals.results(of: index)
      let section = JacobianSection(isCumulative ? .through(index) : .segment(index))
      let jacobian = try JacobianOperator(
        of: network, section, precision: precision, on: backend, sharing: whole.evaluation)
      let (spectrum, activeInputs, fullCount) = try activeSpectrum(jacobian)
      let prediction =
        try fromImages.map {
          theory.cumulativePrediction($0.points[index], through: index, fullCount: fullCount)
        }
        ?? theory.prediction(
          SegmentTheory.Subject(
            geometry: geometries[index], pairs: pairs(of: before), activeInputs: activeInputs,
            fullCount: fullCount))
      findings.append(
        finding(
          segment.name, jacobian, from: isCumulative ? images : before, to: after, spectrum,
          of: fullCount, prediction))
      before = after
    }
    try onSegment(findings.count, layout.segments.count + 1)
    let isFromStack = section.start == .stack
    let start = try isFromStack ? signals.results(of: 0) : images
    let (result, law) = try inspect(
      whole, initializer: initializer, seed: seed, on: backend, from: start, to: before,
      course(from: isFromStack ? 1 : 0, start).end)
    return Result(segments: findings, whole: result, law: law)
  }

  /// The start of the law of the whole network.
  private func start(for ensemble: WeightEnsemble) -> JacobianSection.Start {
    switch ensemble {
    case .mirrored, .isometry, .losslessIsometry: .input
    case .independent, .orthogonal, .other: JacobianSection.defaultStart(for: network)
    }
  }

  private func inspect(
    _ whole: JacobianOperator, initializer: any Initializer, seed: UInt64, on backend: any Backend,
    from before: [[Double]], to after: [[Double]], _ signals: SegmentPrediction
  ) throws -> (Finding, Prediction) {
    try whole.move(to: images[0])
    let study = SpectrumStudy(
      network: network, section: whole.section, precision: precision, images: [images[0]])
    let law = try Prediction.make(
      for: study, initializer.weightEnsemble, on: backend, sharing: whole.evaluation, seed: seed)
    let spectrum = try spectrum(whole)
    var prediction = signals
    if let spectralLaw = law.law {
      let numbers = LawSummary(spectralLaw, resolution: spectrum.resolution)
      prediction.meanSquare = numbers.mean
      // A law that comes arbitrarily close to 0 has no smallest singular value.
      prediction.smallest = numbers.smallest > 0 ? numbers.smallest.squareRoot() : nil
      prediction.largest = numbers.largest.squareRoot()
      prediction.zeroFraction = numbers.zeroFraction
    }
    let result = finding(
      "\(whole.section)", whole, from: before, to: after, spectrum, of: spectrum.count, prediction)
    return (result, law)
  }

  // MARK: Spectra

  /// The spectrum of the active units; nil if there are none.
  private func activeSpectrum(
    _ jacobian: JacobianOperator
  ) throws -> (spectrum: Spectrum?, activeInputs: Int, fullCount: Int) {
    try jacobian.move(to: images[0])
    let active = try ActiveJacobian(jacobian)
    let isEmpty = active.inputCount == 0 || active.outputCount == 0
    return (try isEmpty ? nil : spectrum(active), active.inputCount, max(1, active.fullCount))
  }

  private func spectrum(_ jacobian: some JacobianProducts) throws -> Spectrum {
    try method.spectrum(of: jacobian, largestDense: largestDense, lanczos)
  }

  // MARK: Signals

  /// Pairs of each image with the next, and of the last with the first.
  private func pairs(of rows: [[Double]]) -> [(x: [Double], y: [Double])] {
    rows.indices.map { (rows[$0], rows[($0 + 1) % rows.count]) }
  }

  /// - Parameter fullCount: the number of singular values with the zeros of inactive units.
  private func finding(
    _ name: String, _ jacobian: JacobianOperator, from before: [[Double]], to after: [[Double]],
    _ spectrum: Spectrum?, of fullCount: Int, _ prediction: SegmentPrediction
  ) -> Finding {
    func cosine(_ rows: [[Double]]) -> Double? {
      pairs(of: rows).compactMap { SignalMoments($0.x, $0.y).cosine }.mean
    }
    let gains = zip(before, after).compactMap { before, after in
      let square = before.sumOfSquares
      return square > 0 ? after.sumOfSquares / square : nil
    }
    let summary = spectrum.map { SpectrumSummary([$0]) }
    let share = Double(summary?.count ?? 0) / Double(fullCount)
    return Finding(
      name: name, inputCount: jacobian.inputCount, outputCount: jacobian.outputCount,
      gain: gains.mean, cosineBefore: cosine(before), cosineAfter: cosine(after),
      mean: share * (summary?.mean ?? 0), meanSquare: share * (summary?.meanSquare ?? 0),
      smallest: summary?.smallest, largest: summary?.largest ?? 0,
      zeroFraction: 1 - share * (1 - (summary?.zeroFraction ?? 1)), method: spectrum?.method,
      prediction: prediction)
  }
}

/// The results of a network's segments for several images.
private struct SegmentSignals {
  private let session: any Session
  private let shapes: [Shape]
  private let areActivated: [Bool]
  private let count: Int

  init(
    of network: any Network, at images: [[Double]], precision: DType, on backend: any Backend,
    sharing session: any Session
  ) throws {
    var primal = Linearization.Primal(
      network, JacobianSection(), precision: precision, batch: images.count)
    shapes = primal.values.segments.map { value in
      Shape(Array(primal.builder.graph.shape(of: value).dimensions.dropFirst()))
    }
    areActivated = primal.values.segments.map { primal.activation(producing: $0) != nil }
    for (index, value) in primal.values.segments.enumerated() {
      primal.builder.graph.output("segment \(index)", value)
    }
    count = images.count
    self.session = try backend.makeSession(for: primal.builder.graph, sharing: session)
    let x = HostTensor(network.batchShape(count), Array(images.joined()), as: precision)
    try self.session.run([Linearization.image: x])
  }

  /// The segments as the theory sees them.
  func geometries(imageShape: Shape) -> [SegmentTheory.Geometry] {
    shapes.indices.map { segment in
      SegmentTheory.Geometry(
        segment: segment, shape: segment == 0 ? imageShape : shapes[segment - 1],
        isActivated: areActivated[segment], outputCount: shapes[segment].elementCount)
    }
  }

  /// One row for each image.
  func results(of segment: Int) throws -> [[Double]] {
    let numbers = try session.read(output: "segment \(segment)").doubles
    guard numbers.allSatisfy(\.isFinite) else {
      throw SpectrumError.unsuitable(
        reason: "the signals are not finite; take other weights or inputs")
    }
    let width = numbers.count / count
    return (0..<count).map { Array(numbers[$0 * width..<($0 + 1) * width]) }
  }
}
