internal import IsometryCore
internal import IsometryNN
internal import IsometryTheory

/// The theoretical propagation of signals through a network's segments, from the measured signals at
/// the start. It applies the segments' laws one after another.
struct SignalCourse {
  /// The gain from the start on and the cosine, for each segment. Points of segments before the start,
  /// and without a law, are empty.
  private(set) var points: [SegmentPrediction]

  /// The point after the last segment.
  var end: SegmentPrediction { points.last ?? SegmentPrediction() }

  /// - Parameters:
  ///   - geometries: all segments of the network.
  ///   - first: the first segment that is followed; 0 for signals that are images.
  ///   - pairs: of signals that reach that segment.
  /// - Throws: the errors of reading the weights.
  init(
    _ theory: SegmentTheory, through geometries: [SegmentTheory.Geometry], from first: Int,
    pairs: [(x: [Double], y: [Double])]
  ) throws {
    points = geometries.map { _ in SegmentPrediction() }
    guard theory.layout.normalization == .none, !theory.layout.hasPooledLayers,
      first < geometries.count
    else { return }
    switch theory.ensemble {
    case .independent, .orthogonal:
      do {
        try follow(theory, geometries, from: first, pairs.map { SignalPair($0.x, $0.y) })
      } catch is TheoryError {
        // The remaining points stay empty.
      }
    case .mirrored where first == 0:
      var gain = 1.0
      try setLinear(geometries, theory.layout, pairs, reads: true) { geometry, _ in
        gain *= try theory.mirroredGain(of: geometry)
        return gain
      }
    case .isometry where first == 0:
      try setLinear(geometries, theory.layout, pairs, reads: true) { _, read in
        zip(pairs, read).compactMap { pair, read in
          let whole = pair.x.sumOfSquares
          return whole > 0 ? read.x.sumOfSquares / whole : nil
        }.mean
      }
    case .losslessIsometry where first == 0:
      let kept = theory.keptSignal
      try setLinear(geometries, theory.layout, pairs, reads: false) { geometry, _ in
        Double(kept.count(through: geometry.segment)) / Double(theory.imageShape.elementCount)
      }
    case .mirrored, .isometry, .losslessIsometry, .other: break
    }
  }

  /// Propagates the moments from segment to segment, for independent weights.
  private mutating func follow(
    _ theory: SegmentTheory, _ geometries: [SegmentTheory.Geometry], from first: Int,
    _ start: [SignalPair]
  ) throws {
    var pairs = start
    for geometry in geometries[first...] {
      let effect = try theory.effect(of: geometry, stream: UInt64(geometry.segment))
      pairs = try pairs.map { try effect($0).pair }
      points[geometry.segment] = SegmentPrediction(
        from: start, inputCount: geometries[first].shape.elementCount, to: pairs,
        outputCount: geometry.outputCount)
    }
  }

  /// Sets the points of networks that are linear, rotation-invariant maps of the image. [û₊; û₋] has
  /// the cosine that ReLU maps the cosine of the read pixels to.
  ///
  /// - Parameters:
  ///   - reads: whether a stride reads one pixel in stride² instead of all.
  ///   - gain: of a segment from the image on, given the read pixels of each pair.
  private mutating func setLinear(
    _ geometries: [SegmentTheory.Geometry], _ layout: NetworkLayout,
    _ pairs: [(x: [Double], y: [Double])], reads: Bool,
    gain: (SegmentTheory.Geometry, [(x: [Double], y: [Double])]) throws -> Double?
  ) throws {
    var stride = 1
    for geometry in geometries {
      let layers =
        switch layout.segments[geometry.segment] {
        case .layer(let layer): [layer]
        case .block(let block): block.branch
        }
      if reads { stride *= layers.map(\.stride).reduce(1, *) }
      let size = geometries[0].imageSize
      let read = pairs.map {
        (x: $0.x.pixels(of: size, each: stride), y: $0.y.pixels(of: size, each: stride))
      }
      points[geometry.segment].gain = try gain(geometry, read)
      points[geometry.segment].cosine =
        try read.compactMap { pair in
          try SignalMoments(pair.x, pair.y).cosine.map {
            try RectifierKernel(cosine: $0).cosineAfterLayer
          }
        }.mean
    }
  }
}

extension SegmentPrediction {
  /// The gain, nil if every signal before is 0, and the mean cosine, nil if the signals after are 0.
  ///
  /// - Parameters:
  ///   - before: pairs of signals of `inputCount` elements.
  ///   - after: the same pairs after some segments, of signals of `outputCount` elements.
  init(from before: [SignalPair], inputCount: Int, to after: [SignalPair], outputCount: Int) {
    let share = Double(outputCount) / Double(inputCount)
    gain =
      zip(before, after).flatMap { before, after in
        let (old, new) = (before.moments.meanSquares, after.moments.meanSquares)
        return old.indices.filter { old[$0] > 0 }.map { share * new[$0] / old[$0] }
      }.mean
    cosine = after.compactMap(\.moments.cosine).mean
  }
}
