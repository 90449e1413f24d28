import Benchmark
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN

/// What a run spends before its first step: ResNet-50's weights by every initialization that is for it.
func initializationBenchmarks() {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = [.wallClock, .cpuTotal]
  configuration.maxDuration = .seconds(4)
  for type in InitializerRegistry.types {
    guard let initializer = try? type.init(options: InitializerOptions(initializer: type.name))
    else { continue }
    guard let network = network(for: initializer) else { continue }
    Benchmark("init: resnet50 by \(type.name)", configuration: configuration) { benchmark in
      let layout = network.layout
      var random = RandomStream(seed: 1)
      let shape = network.batchShape(max(1, initializer.imagesNeeded))
      let pixels = (0..<shape.elementCount).map { _ in random.normal() }
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations {
        let resolved =
          initializer.imagesNeeded == 0
          ? initializer
          : try initializer.resolved(
            for: network, seed: 1, images: HostTensor(shape, pixels), on: CPUBackend())
        try resolved.initialize(layout, seed: 1) { blackHole(HostTensor($0.shape, $1)) }
      }
    }
  }
}

/// ResNet-50 with the skips and the normalization that the initializer is for; nil where there is none.
private func network(for initializer: any Initializer) -> (any Network)? {
  let normalization: NormalizationKind = initializer is ZeroGamma ? .batch : .none
  for skip in [SkipKind.identity, .convolution] {
    let options = NetworkOptions(
      normalization: normalization, skip: skip, traits: initializer.blockTraits)
    if let network = try? ModelSpecification("resnet50").network(options),
      (try? initializer.check(network.layout)) != nil
    {
      return network
    }
  }
  return nil
}
