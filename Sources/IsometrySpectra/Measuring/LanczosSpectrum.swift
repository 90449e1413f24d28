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

    /// Settings with at least one step and one probe.
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

extension RandomStream {
  /// Numbers of one magnitude with random signs.
  mutating func signs(_ count: Int, magnitude: Double) -> [Double] {
    (0..<count).map { _ in nextUInt32() & 1 == 0 ? magnitude : -magnitude }
  }
}
