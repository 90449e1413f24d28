import Benchmark

/// All benchmarks, which the tool asks for by this name.
let benchmarks: @Sendable () -> Void = {
  // Processor time is counted in hundredths of a second, which most of these do not take.
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], warmupIterations: 2, maxDuration: .seconds(2), maxIterations: 10_000)
  theoryBenchmarks()
  dataBenchmarks()
  plannerBenchmarks()
  initializationBenchmarks()
  kernelBenchmarks()
}
