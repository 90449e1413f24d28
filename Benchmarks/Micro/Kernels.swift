import Benchmark
import IsometryCPU
import IsometryCore
import IsometryGraph

/// Single operations on the CPU, through a session as in training. `isometry benchmark kernels` sets
/// them beside the processor's ceilings; these are for watching them from commit to commit.
func kernelBenchmarks() {
  kernelBenchmark("product 1024³") { graph in
    let (a, b) = (graph.variable("a", [1024, 1024]), graph.variable("b", [1024, 1024]))
    return graph.matrixMultiply(a, b)
  }
  for channels in [16, 64] {
    let side = 512 / channels
    kernelBenchmark("3×3 convolution of 128 × \(channels) × \(side) × \(side)") { graph in
      let x = graph.variable("x", [128, channels, side, side])
      return graph.convolve(x, with: graph.variable("w", [channels, channels, 3, 3]), padding: 1)
    }
  }
  kernelBenchmark("batch normalization of 128 × 16 × 32 × 32") { graph in
    let x = graph.variable("x", [128, 16, 32, 32])
    let (scale, shift) = (graph.variable("scale", [16]), graph.variable("shift", [16]))
    return graph.batchNormalization(x, scale: scale, shift: shift).y
  }
  kernelBenchmark("GELU of 128 × 16 × 32 × 32") { graph in
    graph.activation(graph.variable("x", [128, 16, 32, 32]), .gelu)
  }
}

private func kernelBenchmark(
  _ name: String, _ make: @escaping @Sendable (inout Graph) -> Value
) {
  Benchmark("cpu: \(name)") {
    (benchmark, ready: (session: any Session, slot: any StagingSlot)) in
    for _ in benchmark.scaledIterations { try ready.session.step(from: ready.slot) }
    try ready.session.synchronize()
  } setup: {
    var graph = Graph()
    graph.output("y", make(&graph))
    let session = try CPUBackend().makeSession(for: graph)
    var random = RandomStream(seed: 1)
    for (name, value) in graph.variables {
      let shape = graph.shape(of: value)
      try session.write(
        HostTensor(shape, random.normals(shape.elementCount)), toVariable: name)
    }
    return (session: session, slot: try session.makeStagingSlots(1)[0])
  }
}
