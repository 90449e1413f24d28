import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

/// Two runs from the same seed end in the same bits.
@Suite(.serialized) struct DeterminismTests {
  @Test(arguments: [DType.float32, .bfloat16])
  func runsAreRepeatable(precision: DType) throws {
    try #require((try? CPUBackend().requireSupport(for: precision)) != nil)
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
