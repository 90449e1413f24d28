package import IsometryCore
import IsometryData
package import IsometryGraph
import IsometryNN
package import IsometryTraining

/// How fast a device's kernels are: each operation of a training step, and products of square
/// matrices, in a graph of its own through a session, beside what the device can do at best.
package struct KernelBenchmark: Sendable {
  /// A backend, and the families for which it has kernels that the others do not have.
  package struct Provider: Sendable {
    let backend: any Backend
    let families: Set<KernelFamily>

    package init(_ backend: any Backend, for families: Set<KernelFamily>) {
      self.backend = backend
      self.families = families
    }

    fileprivate func takes(_ operation: SingleOperation) -> Bool {
      families.contains(operation.family)
        && operation.node.operation.isAvailable(
          with: backend.traits(for: operation.graph), for: operation.dtype)
    }
  }

  /// An operation on one device by one kernel.
  package struct Measurement: Sendable, Equatable {
    /// The operation's name.
    package let kernel: String
    /// Whose kernel takes the longest of its launches.
    package let variant: String
    package let shape: String
    /// How often a training step has the operation; 0 for the square products.
    package let usesPerStep: Int
    /// The shortest time, of all of the operation's launches together.
    package let seconds: Double
    package let operationsPerSecond: Double
    /// Operands read and results written, each once.
    package let bytesPerSecond: Double
    /// The least time that the device's ceilings allow, divided by the time. Above 1 where operands
    /// stay in a cache, or an algorithm needs less arithmetic than is counted.
    package let ceilingShare: Double
  }

  /// The sizes of the square products.
  package static let squareSizes = [512, 1024, 2048]

  package var families = Set(KernelFamily.allCases)
  /// At least so long each operation and variant is run, in seconds.
  package var seconds = 0.2

  package init() {}

  /// Where a session is run without waiting in between.
  private static let stepsInFlight = 4

  /// - Parameters:
  ///   - providers: the first is the device as it trains, whose operations the others take too; those
  ///     are asked for their families alone, and count where their kernel is another.
  ///   - ceilings: of a type of the operands.
  ///   - onMeasurement: called with each in turn.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`,
  ///   `UnprofiledSession`, and what the backends throw.
  package func run(
    _ configuration: RunConfiguration, providers: [Provider],
    ceilings: (DType) -> DeviceCeilings, onMeasurement: (Measurement) -> Void
  ) throws {
    guard let first = providers.first else { return }
    for (operation, uses) in try operations(of: configuration, on: first.backend) {
      let best = ceilings(operation.dtype)
      var known = Set<String>()
      for provider in providers where provider.takes(operation) {
        guard let (seconds, variant) = try measure(operation, on: provider.backend),
          known.insert(variant).inserted
        else { continue }
        let cost = operation.graph.cost(of: operation.node)
        let (count, bytes) = (
          cost.floatingPointOperations, cost.bytesRead + cost.bytesWritten
        )
        onMeasurement(
          Measurement(
            kernel: operation.node.operation.name, variant: variant, shape: operation.shape,
            usesPerStep: uses, seconds: seconds, operationsPerSecond: Double(count) / seconds,
            bytesPerSecond: Double(bytes) / seconds,
            ceilingShare: best.leastSeconds(operations: count, bytes: bytes) / seconds))
      }
    }
  }

  /// The different operations of a step with how often it has them, family by family.
  ///
  /// - Parameter backend: the device whose step it is.
  func operations(
    of configuration: RunConfiguration, on backend: any Backend
  ) throws -> [(operation: SingleOperation, uses: Int)] {
    try configuration.check()
    let graph = backend.optimized(
      try configuration.makeTrainingGraph(normalizing: CIFAR10.normalization).graph,
      configuration.recompute)
    var operations: [(operation: SingleOperation, uses: Int)] = []
    var places: [SingleOperation.Key: Int] = [:]
    for node in Schedule(graph).nodes {
      guard let operation = SingleOperation(node, of: graph) else { continue }
      if let place = places[operation.key] {
        operations[place].uses += 1
      } else {
        places[operation.key] = operations.count
        operations.append((operation, 1))
      }
    }
    let products = Self.squareSizes.map {
      (SingleOperation(squareProduct: $0, configuration.precision.dtype), 0)
    }
    let all = products + operations
    return KernelFamily.allCases.filter(families.contains).flatMap { family in
      all.filter { $0.0.family == family }
    }
  }

  /// The shortest time of all launches that compute, and the kernel of the longest; nil for an
  /// operation that needs no launch.
  private func measure(
    _ operation: SingleOperation, on backend: any Backend
  ) throws -> (seconds: Double, variant: String)? {
    guard
      let run = try OperationRun(operation, backend.bind(operation.graph, sharing: nil))
    else { return nil }
    var best = Double.infinity
    var variant = ""
    func runOnce() throws {
      for commands in try run.run(Self.stepsInFlight) {
        guard commands.seconds < best, commands.seconds > 0,
          let longest = commands.max(by: { $0.seconds < $1.seconds })?.launch
        else { continue }
        best = commands.seconds
        variant = run.session.launchWork[longest].variant
      }
    }
    try runOnce()
    best = .infinity
    let start = ContinuousClock.now
    repeat { try runOnce() } while (ContinuousClock.now - start) / .seconds(1) < seconds
    return best < .infinity ? (best, variant) : nil
  }
}
