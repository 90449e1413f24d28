import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

/// Two runs from the same seed end in the same bits.
@Suite(.serialized) struct DeterminismTests {
  /// Processors without AVX-512 have no bf16.
  static let precisions = [DType.float32, .bfloat16].filter {
    (try? CPUBackend().requireSupport(for: $0)) != nil
  }

  @Test(arguments: precisions)
  func runsAreRepeatable(precision: DType) throws {
    func parameters() throws -> [HostTensor] {
      let run = try NoiseTraining("resnet20", batch: 8, precision: precision)
      for _ in 0..<3 { try run.session.step(from: run.slot) }
      return try run.session.graph.variables.map { try run.session.read(variable: $0.name) }
    }
    let (first, second) = (try parameters(), try parameters())
    #expect(first == second)
    #expect(first.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
  }
}
