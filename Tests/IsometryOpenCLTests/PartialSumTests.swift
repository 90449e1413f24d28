import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import OpenCLRuntime
import TestSupport
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

/// Input gradients that add up a weight gradient's parts beside their own work.
@Suite(.enabled(if: device != nil, "no OpenCL device on this machine"))
struct PartialSumTests {
  private let batch = 32
  private let network = ResidualNetwork(
    widths: [16], depths: [2], activation: .tanh, normalization: .none, imageShape: [3, 16, 16])

  private func graph(_ precision: DType) -> TrainingGraph {
    TrainingGraph(
      network,
      .init(
        batch: batch, precision: precision,
        optimizer: StandardOptimizer(.sgd(momentum: 0, nesterov: false))))
  }

  private func changes(_ precision: DType, _ units: MatrixUnitUse) throws -> [[Double]] {
    try changes(
      precision,
      on: OpenCLBackend(
        #require(device), number: 0, options: OpenCLOptions.forTests(matrixUnits: units)))
  }

  /// The changes of all parameters in one step.
  private func changes(_ precision: DType, on backend: some Backend) throws -> [[Double]] {
    let training = graph(precision)
    let session = try backend.makeSession(for: training.graph)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 3)
    func parameters() throws -> [[Double]] {
      try training.layout.parameters.map { try session.read(variable: $0.name).doubles }
    }
    let before = try parameters()
    let shape = network.batchShape(batch)
    let bytes = (0..<shape.elementCount).map { UInt8(truncatingIfNeeded: 97 * $0 + $0 / 251) }
    try session.run([
      StepNames.images: HostTensor(TensorType(shape, .uint8), bytes: bytes),
      StepNames.labels: HostTensor([batch], (0..<batch).map { Int32($0 % 10) }),
      StepNames.samples: HostTensor([2], [0, 0] as [Int32]),
      StepNames.schedule: HostTensor([2], [1, 1] as [Float]),
    ])
    return try zip(before, parameters()).map { zip($0, $1).map { $1 - $0 } }
  }

  private func expectAgreement(_ found: [[Double]], _ expected: [[Double]], within: Double) {
    for (found, expected) in zip(found, expected) {
      let size = expected.map { $0 * $0 }.reduce(0, +).squareRoot()
      let error = zip(found, expected).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
      #expect(error <= within * size, "\(error) beside \(size)")
    }
  }

  private func takesAlong(_ precision: DType, _ units: MatrixUnits?, kernel: String) -> Bool {
    let graph = graph(precision).graph.optimized(for: .kernels())
    return graph.lowered(matrixUnits: units).launches.contains { launch in
      guard case .kernel(let launch) = launch else { return false }
      return launch.kernel == kernel && !launch.reached.isEmpty
    }
  }

  @Test func portableKernelsAddUp() throws {
    #expect(
      takesAlong(.float32, nil, kernel: "convolution_register_tile_input_gradient"))
    let expected = try changes(.float32, on: ReferenceBackend<Float>())
    let found = try changes(.float32, .off)
    expectAgreement(found, expected, within: 1e-4)
    #expect(try changes(.float32, .off) == found)
  }

  @Test func matrixUnitsAddUp() throws {
    #expect(
      takesAlong(.bfloat16, .emulated, kernel: "convolution_matrix_tile_input_gradient"))
    let expected = try changes(.bfloat16, .off)
    let found = try changes(.bfloat16, .emulated)
    expectAgreement(found, expected, within: 0.03)
    #expect(try changes(.bfloat16, .emulated) == found)
  }
}
