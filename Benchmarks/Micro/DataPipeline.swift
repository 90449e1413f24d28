import Benchmark
import IsometryCore
import IsometryData
import IsometryGraph

/// From a data set in memory to staging slots.
func dataBenchmarks() {
  Benchmark("data: draw 100 built-in pictures") { benchmark in
    for _ in benchmark.scaledIterations { blackHole(SyntheticImages.make(.train, count: 100)) }
  }

  // In the long run as many batches are filled as are taken: this is the stream's rate, not the wait for one.
  Benchmark("data: a stream's batch of 512") { (benchmark, stream: BatchStream) in
    for _ in benchmark.scaledIterations { stream.recycle(try stream.next()) }
  } setup: {
    let batch = 512
    var graph = Graph()
    _ = graph.input(BatchStream.imageInput, [batch, 3, 32, 32], .uint8)
    _ = graph.input(BatchStream.labelInput, [batch], .int32)
    return BatchStream(
      of: SyntheticImages.make(.train, count: 2 * batch), batchSize: batch,
      order: .shuffled(seed: 1), slots: (0..<3).map { _ in HostStagingSlot(for: graph) })
  }

  Benchmark("data: a permutation of 50,000") { benchmark in
    var random = RandomStream(seed: 1)
    for _ in benchmark.scaledIterations { blackHole(random.permutation(50_000)) }
  }
}
