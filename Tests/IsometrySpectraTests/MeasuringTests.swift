import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import TestSupport
import Testing

/// Spectra measured in several ways on one network.
@Suite struct MeasuringTests {
  static func makeOperator(
    _ network: any Network, _ section: JacobianSection = JacobianSection(),
    initializer: String = "he", precision: Precision = .fp64, batch: Int? = nil,
    on backend: any Backend = ReferenceBackend<Double>(), seed: UInt64 = 3
  ) throws -> JacobianOperator {
    let jacobian = try JacobianOperator(
      of: network, section, precision: precision, batch: batch, on: backend)
    try jacobian.writeInitialState(initializer: InitializerRegistry.make(initializer), seed: seed)
    var random = RandomStream(seed: seed)
    try jacobian.move(to: random.normals(network.imageShape.elementCount))
    return jacobian
  }

  static let residual = UniformResidualNetwork(
    .dense, depth: 4, width: 24, activation: .tanh, imageShape: [3, 4, 4])

  static let convolutional = ResidualNetwork(
    widths: [4, 6], depths: [1, 1], activation: .softplus, normalization: .batch,
    imageShape: [3, 6, 6], classes: 4)

  /// Singular values by another road: roots of the eigenvalues of JJᵀ by Jacobi rotations.
  static func jacobiSingularValues(_ jacobian: JacobianOperator) throws -> [Double] {
    let (n, m) = (jacobian.inputCount, jacobian.outputCount)
    let wide = n <= m
    let size = min(n, m)
    let rows =
      try wide
      ? jacobian.forward(JacobianOperatorTests.identity(n))
      : jacobian.reverse(JacobianOperatorTests.identity(m))
    let width = max(n, m)
    // One-sided Jacobi: rotate pairs of rows until all are orthogonal; their norms are the values.
    var a = (0..<size).map { Array(rows[$0 * width..<($0 + 1) * width]) }
    func dot(_ i: Int, _ j: Int) -> Double { zip(a[i], a[j]).reduce(0) { $0 + $1.0 * $1.1 } }
    for _ in 0..<30 {
      var largest = 0.0
      for i in 0..<size {
        for j in i + 1..<max(size, i + 1) {
          let (p, q, r) = (dot(i, i), dot(j, j), dot(i, j))
          guard r != 0, p > 0, q > 0 else { continue }
          largest = max(largest, abs(r) / (p * q).squareRoot())
          let zeta = (q - p) / (2 * r)
          let t = (zeta >= 0 ? 1.0 : -1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let c = 1 / (1 + t * t).squareRoot()
          for k in 0..<width {
            let (x, y) = (a[i][k], a[j][k])
            a[i][k] = c * x - c * t * y
            a[j][k] = c * t * x + c * y
          }
        }
      }
      if largest < 1e-15 { break }
    }
    return (0..<size).map { dot($0, $0).squareRoot() }.sorted(by: >)
  }

  @Test(arguments: [JacobianSection.End.features, .logits])
  func theDecompositionGivesTheSingularValues(end: JacobianSection.End) throws {
    for network in [Self.residual, Self.convolutional] as [any Network] {
      let jacobian = try Self.makeOperator(network, JacobianSection(to: end))
      let spectrum = try jacobian.denseSpectrum()
      #expect(spectrum.method == .decomposition)
      #expect(spectrum.count == min(jacobian.inputCount, jacobian.outputCount))
      let expected = try Self.jacobiSingularValues(jacobian)
      #expect(zip(spectrum.values, expected).allSatisfy { abs($0 - $1) < 1e-11 * expected[0] })
    }
  }

  /// With every size of the panels, on tall and wide Jacobians.
  @Test(arguments: [0.01, 0.5, 2, 100], [JacobianSection.Start.input, .stack])
  func theGramMatrixGivesTheSame(rowsPerGram: Double, start: JacobianSection.Start) throws {
    let network = Self.convolutional
    let jacobian = try Self.makeOperator(
      network, JacobianSection(from: start), precision: .fp32, batch: 7,
      on: ReferenceBackend<Float>())
    let exact = try jacobian.denseSpectrum()
    var options = JacobianOperator.DenseOptions()
    options.largestDecomposedSide = 1
    options.rowsPerGram = rowsPerGram
    let spectrum = try jacobian.denseSpectrum(options)
    #expect(spectrum.method == .gram && exact.method == .decomposition)
    #expect(spectrum.count == exact.count)
    // Both decompose the same fp32 matrix; σ² is known to Double's ε times the largest.
    for (found, expected) in zip(spectrum.values, exact.values) {
      #expect(abs(found - expected) < 1e-7 * exact.values[0])
    }
  }

  @Test func lanczosFindsTheExtremes() throws {
    let jacobian = try Self.makeOperator(Self.residual)
    let exact = try jacobian.denseSpectrum()
    // As many steps as there are singular values: the quadrature is exact for each start.
    let full = try jacobian.lanczosSpectrum(.init(steps: 24, probes: 3))
    #expect(abs(full.values[0] - exact.values[0]) < 1e-12 * exact.values[0])
    #expect(abs(full.values.last! - exact.values.last!) < 1e-10 * exact.values[0])
    let few = try jacobian.lanczosSpectrum(.init(steps: 14, probes: 4))
    #expect(abs(few.values[0] - exact.values[0]) < 1e-3 * exact.values[0])
  }

  @Test func quadratureAgreesWithAllSingularValues() throws {
    let network = UniformResidualNetwork(
      .dense, depth: 5, width: 120, activation: .tanh, imageShape: [3, 8, 8])
    let jacobian = try Self.makeOperator(network, JacobianSection(from: .stack))
    let exact = SpectrumSummary([try jacobian.denseSpectrum()])
    let spectrum = try jacobian.lanczosSpectrum(.init(steps: 30, probes: 40))
    #expect(abs(spectrum.weights.reduce(0, +) - 1) < 1e-12)
    let found = SpectrumSummary([spectrum])
    // Standard errors of √(2/(40·120)) = 2 % of the deviation.
    let deviation = try #require(exact.logVariance).squareRoot()
    #expect(abs(try #require(found.logMean) - exact.logMean!) < 0.08 * deviation)
    #expect(abs(try #require(found.logVariance) / exact.logVariance! - 1) < 0.15)
    #expect(abs(found.meanSquare / exact.meanSquare - 1) < 0.1)
  }

  /// A network whose Jacobian has known zeros: two strided blocks keep 12 of the
  /// 128 that 32 channels of 2×2 pixels can have.
  @Test(arguments: [Precision.fp64, .fp32])
  func exactZerosAreCountedApart(precision: Precision) throws {
    let strided = try #require(IsometryCase.all.first { $0.retained == 12 })
    let jacobian = try Self.makeOperator(
      strided.network, initializer: strided.initializer, precision: precision)
    let spectrum = try jacobian.denseSpectrum()
    #expect(spectrum.values.count { $0 > 0 } == 12)
    let summary = SpectrumSummary([spectrum])
    #expect(summary.count == 128 && abs(summary.zeroFraction - 116.0 / 128) < 1e-14)
    let tolerance = precision == .fp64 ? 1e-12 : 1e-4
    #expect(abs(try #require(summary.smallest) - 1) < tolerance)
    #expect(abs(try #require(summary.condition) - 1) < tolerance)
    #expect(abs(summary.meanSquare - 12.0 / 128) < tolerance)
    // Every random start sees two eigenvalues alone, so the process ends after two steps, exactly.
    let lanczos = try jacobian.lanczosSpectrum()
    #expect(abs(lanczos.zeroFraction - 116.0 / 128) < 0.05)
    #expect(abs(lanczos.values[0] - 1) < tolerance)
  }

  /// In fp32 the zeros of a deep plain ReLU network are as many as in Double.
  @Test func roundingIsToldFromSmallSingularValues() throws {
    let network = ResidualNetwork(
      widths: [8], depths: [6], activation: .relu, normalization: .none, imageShape: [3, 6, 6])
    let exact = try Self.makeOperator(network).denseSpectrum()
    let found = try Self.makeOperator(
      network, precision: .fp32, on: ReferenceBackend<Float>()
    ).denseSpectrum()
    for (a, b) in zip(found.values, exact.values) {
      #expect(abs(a - b) < max(found.resolution, 1e-12))
    }
  }
}
