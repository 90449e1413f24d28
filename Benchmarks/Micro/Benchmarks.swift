import Benchmark

/// All benchmarks, which the tool asks for by this name.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .cpuTotal], warmupIterations: 2, maxDuration: .seconds(2),
    maxIterations: 10_000)
  theoryBenchmarks()
  dataBenchmarks()
  plannerBenchmarks()
  initialisationBenchmarks()
  kernelBenchmarks()
}
