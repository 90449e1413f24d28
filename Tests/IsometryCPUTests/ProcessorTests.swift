import IsometryCore
import IsometryGraph
import Testing

@testable import IsometryCPU

@Suite struct ProcessorTests {
  @Test(arguments: [
    (Processor.BFloat16Instructions.none, true, Precision.fp32), (.none, false, .fp32),
    (.vectors, true, .bf16), (.vectors, false, .fp32), (.tiles, true, .bf16),
    (.tiles, false, .bf16),
  ])
  func instructionsDecideThePrecision(
    _ instructions: Processor.BFloat16Instructions, isAMD: Bool, _ precision: Precision
  ) {
    #expect(Processor.fastestPrecision(instructions, isAMD: isAMD).precision == precision)
  }

  @Test func theFastestPrecisionIsSupported() throws {
    try CPUBackend().requireSupport(for: CPUBackend().fastestPrecision.precision)
  }
}
