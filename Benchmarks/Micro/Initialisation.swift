import Benchmark
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN

/// What a run spends before its first step: ResNet-50's weights by every initialisation that is for it.
func initialisationBenchmarks() {
  for type in InitializerRegistry.types {
    guard let initializer = try? type.init(options: InitializerOptions(initializer: type.name))
    else { continue }
    let normalization: NormalizationKind = type == ZeroGamma.self ? .batch : .none
    let options = NetworkOptions(
      normalization: normalization, skip: .convolution, traits: initializer.blockTraits)
    guard let network = try? ModelSpecification("resnet50").network(options),
      (try? initializer.check(network.layout)) != nil
    else { continue }
    Benchmark("init: resnet50 by \(type.name)") { benchmark in
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
