internal import CLAPACK
internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN
internal import IsometryTheory
internal import RealModule

extension Prediction {
  /// A network's layers in the quantities of the laws.
  struct Layers {
    let layout: NetworkLayout
    let weights: WeightLaw
    let strength: MeasuredStrength
    let session: any Session

    /// σ_w² of each hidden layer after the first: the weights' mean square times the fan-in.
    func weightVariances() throws -> [Double] {
      let names = Set([layout.stem, layout.head].compactMap { $0?.weight.name })
      return try layout.layers.filter { !names.contains($0.weight.name) }.map { layer in
        let elements = try session.read(variable: layer.weight.name).doubles
        let squares = elements.reduce(0) { $0 + $1 * $1 }
        return squares * Double(layer.weight.fanIn) / Double(elements.count)
      }
    }

    /// g² if the first layer's weights are g times orthonormal rows; otherwise nil. The Jacobian from
    /// the input then has g times the singular values of the one from the stack.
    func squaredStemGain() throws -> Double? {
      guard let stem = layout.stem, stem.weight.role == .denseWeight else { return nil }
      let (rows, columns) = (stem.outputChannels, stem.inputChannels)
      guard rows <= columns else { return nil }
      let weight = try session.read(variable: stem.weight.name).doubles
      var gram = [Double](repeating: 0, count: rows * rows)
      cblas_dsyrk(
        CblasRowMajor, CblasLower, CblasNoTrans, blasint(rows), blasint(columns), 1, weight,
        blasint(columns), 0, &gram, blasint(rows))
      let gain = (0..<rows).reduce(0) { $0 + gram[$1 * (rows + 1)] } / Double(rows)
      // In fp32, rows are orthonormal to about 1e-6.
      for row in 0..<rows {
        for column in 0...row {
          let expected = row == column ? gain : 0
          guard abs(gram[row * rows + column] - expected) < 1e-4 * gain else { return nil }
        }
      }
      return gain
    }
  }

  /// The universal law. c is the sum of the branches' strengths.
  static func residual(_ study: SpectrumStudy, _ layers: Layers) throws -> Prediction {
    let skips = layers.layout.blocks.map { block -> Double? in
      switch block.skip {
      case .identity: 1
      case .scaled(let weight): weight
      case .projection: nil
      }
    }
    guard let weight = skips.first ?? nil, skips.allSatisfy({ $0 == weight }) else {
      return Prediction(none: "the universal law is for skips of one weight, not for projections")
    }
    let cumulant = layers.strength.branches.reduce(0, +)
    guard cumulant > 0 || weight == 0 else {
      let factor = 2 * Double(layers.layout.blocks.count) * .log(abs(weight))
      return try behindTheStem(
        ScaledLaw(base: IsometryLaw(retained: 1), logFactor: factor), [("c", 0)], study, layers,
        basis: "the branches pass nothing on, and the blocks are their skips")
    }
    let law = try UniversalLaw(
      cumulant: cumulant, skipWeight: weight, depth: layers.layout.blocks.count)
    var basis: Explanation =
      "c is the sum of the mean squares of the branches' Jacobians, measured at these inputs"
    // log E λ of infinitely many blocks with the same total strength, minus that of these blocks.
    let excess = layers.strength.branches.reduce(0) { sum, strength in
      let s = strength / (weight * weight)
      return sum + s - .log(onePlus: s)
    }
    if excess > Self.largestFiniteDepthShift {
      let factor = (10 * Double.exp(excess)).rounded() / 10
      basis +=
        """
        ; the law is for many weak branches, and these are strong: it has a mean of λ \(factor) \
        times that of this network
        """
    }
    return try behindTheStem(
      law, [("c", cumulant)] + (weight == 1 ? [] : [("skip_weight", weight)]), study, layers,
      basis: basis)
  }

  /// The shift of log E λ above which the universal law is rejected for the network.
  private static let largestFiniteDepthShift = 0.05

  /// The law of plain layers, in the limit of large width.
  static func feedForward(_ study: SpectrumStudy, _ layers: Layers) throws -> Prediction {
    guard study.section.start == .stack else {
      return Prediction(
        none:
          "the first layer is not a square matrix; use \(.sectionStart) stack for the layers after it"
      )
    }
    let variances = try layers.weightVariances()
    let depth = variances.count
    // Without a node for the activation, its slope is 1.
    let slopes =
      layers.strength.slopes.isEmpty
      ? variances.map { _ in MeasuredStrength.Slope(variance: 1, square: 1, spread: 0) }
      : layers.strength.slopes
    let activation = ActivationFunction(study.network.activation)
    guard slopes.areAlike(width: layers.layout.layers[0].outputChannels) else {
      return Prediction(
        none:
          """
          the law is for equal layers, and here the slopes change with depth; weights at a fixed \
          point keep them, as \(.initializer) critical does
          """)
    }
    let mean = 1 / Double(depth)
    let logSlope = zip(variances, slopes).reduce(0) { $0 + mean * .log($1.0 * $1.1.square) }
    guard activation.hasBinarySlopes else {
      let variance = slopes.reduce(0) { $0 + mean * $1.variance }
      let law = try activation.plainNetworkLaw(
        variance: variance, weights: layers.weights, depth: depth, slope: .exp(logSlope))
      return Prediction(
        law, [("depth", Double(depth)), ("chi", .exp(logSlope)), ("variance", variance)],
        basis: "the pre-activations' variance and chi measured at these inputs")
    }
    // A slope of 0 or 1 is open with probability 1/(1 + spread). The slope of open units determines the
    // position of an atom, so it is preserved instead of χ.
    let open = try OpenProbability(
      closed: slopes.reduce(0) { $0 + mean * $1.spread / (1 + $1.spread) })
    let logOpenSlope = logSlope + slopes.reduce(0) { $0 + mean * .log(1 + $1.spread) }
    let chi = open.open * .exp(logOpenSlope)
    return Prediction(
      try layers.weights.law(openProbability: open, depth: depth, slope: chi),
      [("depth", Double(depth)), ("chi", chi), ("open_probability", open.open)],
      basis: "the share of open slopes and chi measured at these inputs")
  }

  /// Converts a law of the stack to a law of the requested section.
  private static func behindTheStem(
    _ law: any SpectralLaw, _ parameters: [(name: String, value: Double)], _ study: SpectrumStudy,
    _ layers: Layers, basis: Explanation
  ) throws -> Prediction {
    guard study.section.start == .input else {
      return Prediction(law, parameters, basis: basis)
    }
    guard let gain = try layers.squaredStemGain() else {
      return Prediction(
        none:
          "the first layer is not an isometry; use \(.sectionStart) stack for the layers after it")
    }
    return Prediction(
      ScaledLaw(base: law, logFactor: .log(gain)), parameters + [("stem_gain", gain.squareRoot())],
      basis: basis)
  }
}

extension [MeasuredStrength.Slope] {
  /// Whether a law of equal layers describes these, up to random differences.
  ///
  /// - Parameter width: of the layers.
  fileprivate func areAlike(width: Int) -> Bool {
    // The spreads expressed as open probabilities of a slope of 0 or 1.
    let open = map { 1 / (1 + $0.spread) }
    let mean = open.reduce(0, +) / Double(count)
    let chance = 4 * (mean * (1 - mean) / Double(width)).squareRoot()
    return open.allSatisfy { abs($0 - mean) < 0.01 + chance }
  }
}
