internal import IsometryCore

extension JacobianOperator {
  /// The budget of a Lanczos spectrum.
  public struct LanczosOptions: Sendable, Hashable {
    /// The steps of each probe, with two products each. 30 to 60 give the largest singular value to
    /// 1e-6.
    public var steps: Int
    /// The number of random start vectors, which run together in one batch.
    public var probes: Int
    /// The seed of the start vectors.
    public var seed: UInt64

    /// - Precondition: there is at least one step and one probe.
    public init(steps: Int = 40, probes: Int = 8, seed: UInt64 = 1) {
      precondition(steps > 0 && probes > 0, "a Lanczos process has a step and a probe")
      self.steps = steps
      self.probes = probes
      self.seed = seed
    }
  }
}

extension JacobianProducts {
  /// The spectrum by stochastic Lanczos quadrature, for Jacobians too large for all their singular
  /// values. It gives nodes and weights with Σ weight·f(node) ≈ (1/count) Σ f(σ) for smooth f.
  ///
  /// The largest node is the largest singular value, to rounding after some tens of steps. The smallest
  /// node is an upper bound of the smallest singular value; it is close only if that is isolated. With
  /// P probes the quadrature's error is about √(2/(P·count)) of f's deviation.
  ///
  /// - Source: Ubaru, Chen, Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature"
  ///   (2017).
  /// - Complexity: 2·steps·probes passes of the network.
  /// - Throws: `SpectrumError`, and the backend's errors.
  public func lanczosSpectrum(_ options: JacobianOperator.LanczosOptions = .init()) throws
    -> Spectrum
  {
    let isTall = inputCount <= outputCount
    let (short, long) = (min(inputCount, outputCount), max(inputCount, outputCount))
    let rounding = SpectralResolution.rounding(precision.epsilon, side: long)
    var processes = (0..<options.probes).map { probe in
      var random = RandomStream(seed: options.seed, stream: UInt64(probe))
      let start = random.signs(short, magnitude: 1 / Double(short).squareRoot())
      return Bidiagonalization(start: start, range: long, negligible: rounding)
    }
    for step in 0..<min(options.steps, short) {
      let right = processes.indices.filter { !processes[$0].isComplete }
      if right.isEmpty { break }
      let pushed = try apply(right.map { processes[$0].rightVector }, forward: isTall)
      for (probe, product) in zip(right, pushed) { processes[probe].pushed(product) }
      let left = right.filter { !processes[$0].isComplete }
      if left.isEmpty || step + 1 == min(options.steps, short) { break }
      let pulled = try apply(left.map { processes[$0].leftVector }, forward: !isTall)
      for (probe, product) in zip(left, pulled) { processes[probe].pulled(product) }
    }
    var nodes: [(value: Double, weight: Double, probe: Int)] = []
    for (probe, process) in processes.enumerated() {
      let (values, weights) = try process.quadrature()
      nodes += zip(values, weights).map { ($0, $1 / Double(options.probes), probe) }
    }
    nodes.sort { $0.value > $1.value }
    return Spectrum(
      method: .lanczos, count: short, values: nodes.map(\.value), weights: nodes.map(\.weight),
      probes: nodes.map(\.probe),
      resolution: (nodes.first?.value ?? 0) * rounding)
  }

  private func apply(_ vectors: [[Double]], forward isForward: Bool) throws -> [[Double]] {
    let flat = Array(vectors.joined())
    let products = try isForward ? forward(flat) : reverse(flat)
    let width = products.count / vectors.count
    return vectors.indices.map { Array(products[$0 * width..<($0 + 1) * width]) }
  }
}

/// The first moments of a Jacobian's law of λ = σ², over all min(n, m) singular values.
public struct SpectralMoments: Sendable, Equatable {
  /// E λ
  public let first: Double
  /// E λ²
  public let second: Double
  /// The standard error of `first`, from the spread of the probes; 0 for one probe.
  public let firstError: Double

  /// Var(λ)/(E λ)²
  public var relativeVariance: Double { second / (first * first) - 1 }
}

extension JacobianProducts {
  /// E λ and E λ² by Hutchinson's estimate with random signs v: |A·v|²/min(n, m) and |AᵀA·v|²/min(n,
  /// m). A is J, or Jᵀ if that has the smaller domain.
  ///
  /// The relative standard deviation of E λ is at most √(2·(m₂/m₁²)/(min(n, m)·probes)).
  ///
  /// - Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix" (1990).
  /// - Complexity: 2·probes passes of the network.
  /// - Throws: `SpectrumError.unsuitable` if a product is not finite; the backend's errors.
  public func moments(probes: Int = 32, seed: UInt64 = 1) throws -> SpectralMoments {
    precondition(probes > 0, "an estimate has a probe")
    let isTall = inputCount <= outputCount
    let short = min(inputCount, outputCount)
    var random = RandomStream(seed: seed)
    let vectors = random.signs(probes * short, magnitude: 1)
    let once = try isTall ? forward(vectors) : reverse(vectors)
    let twice = try isTall ? reverse(once) : forward(once)
    func squares(_ rows: [Double]) -> [Double] {
      let width = rows.count / probes
      return (0..<probes).map { row in
        rows[row * width..<(row + 1) * width].reduce(0) { $0 + $1 * $1 } / Double(short)
      }
    }
    let (first, second) = (squares(once), squares(twice))
    let mean = first.reduce(0, +) / Double(probes)
    let spread = first.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = probes > 1 ? (spread / Double(probes * (probes - 1))).squareRoot() : 0
    return SpectralMoments(
      first: mean, second: second.reduce(0, +) / Double(probes), firstError: error)
  }
}

extension RandomStream {
  /// Numbers of one magnitude with random signs.
  mutating func signs(_ count: Int, magnitude: Double) -> [Double] {
    (0..<count).map { _ in nextUInt32() & 1 == 0 ? magnitude : -magnitude }
  }
}
