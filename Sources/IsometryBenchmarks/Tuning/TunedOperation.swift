package import IsometryGraph
package import IsometryTraining

/// A convolution or matrix product of a training step that has a tile, and an operation with which
/// its tiles are measured.
package struct TunedOperation {
  package let site: TileSite
  /// The possible tiles; the first is the default.
  package let tiles: [Tile]
  /// Its arithmetic in a step, which determines the order of tuning.
  package private(set) var operationsPerStep: Int
  let operation: SingleOperation

  /// The tuned operations of a training step on a backend, those with the most arithmetic first.
  ///
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, and errors of the backend.
  package static func all(
    of configuration: RunConfiguration, on backend: any TunableBackend
  ) throws -> [TunedOperation] {
    var benchmark = KernelBenchmark()
    benchmark.families = [.convolution, .gemm]
    var all: [TunedOperation] = []
    for (operation, uses) in try benchmark.operations(of: configuration, on: backend)
    where uses > 0 {
      let arithmetic =
        uses * operation.graph.cost(of: operation.node).floatingPointOperations
      for (site, tiles) in try backend.tileCandidates(of: operation.graph) {
        if let known = all.firstIndex(where: { $0.site == site }) {
          all[known].operationsPerStep += arithmetic
        } else {
          all.append(
            TunedOperation(
              site: site, tiles: tiles, operationsPerStep: arithmetic, operation: operation))
        }
      }
    }
    return all.sorted { $0.operationsPerStep > $1.operationsPerStep }
  }
}
