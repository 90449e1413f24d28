import Benchmark
import IsometryCore
import IsometryTheory

/// What `isometry theory` and `isometry calibrate` spend their time in.
func theoryBenchmarks() {
  Benchmark("theory: universal law, curve of 1,000 points") { benchmark in
    let law = try UniversalLaw(cumulant: 0.5)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(law.curve(count: 1000)) }
  }

  for activation in [Activation.relu, .tanh] {
    Benchmark("theory: calibrate 20 blocks of \(activation.name)") { benchmark in
      let model = ResidualModel(
        activation: ActivationFunction(activation), depth: 20, weightDeviation: 1)
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations { blackHole(try model.calibrated(to: 0.5)) }
    }
  }
}
