package import IsometryCore
import IsometryData
package import IsometryGraph
import IsometryNN
package import IsometryTraining

/// The speed of a device's kernels, and the share of the device's ceilings that they reach. It
/// measures each operation of a training step as the step launches it, and products of square
/// matrices. Other backends compute the operations one by one, for comparison.
package struct KernelBenchmark: Sendable {
  /// A backend, and the families for which its kernels differ from those of the others.
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
    /// The provider of the kernel that takes the longest of its launches.
    package let variant: String
    package let shape: String
    /// The number of times that a training step has the operation; 0 for the square products.
    package let usesPerStep: Int
    /// The time of all of the operation's launches together.
    package let seconds: Double
    package let operationsPerSecond: Double
    /// Counts the operands that are read and the results that are written, each once.
    package let bytesPerSecond: Double
    /// The least time that the device's ceilings allow, divided by the time. It is above 1 if
    /// operands stay in a cache, or if an algorithm needs less arithmetic than is counted.
    package let ceilingShare: Double
  }

  /// The sizes of the square products.
  package static let squareSizes = [512, 1024, 2048]

  package var families = Set(KernelFamily.allCases)
  /// The shortest time for which each operation and variant runs, in seconds.
  package var seconds = 0.2

  package init() {}

  /// Steps that a session runs without waiting in between.
  private static let stepsInFlight = 4

  /// - Parameters:
  ///   - providers: the first is the device that trains. The others compute only their families, and
  ///     count if their kernel is another.
  ///   - ceilings: the ceilings for an operand type.
  ///   - onMeasurement: called with each measurement.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`,
  ///   `UnprofiledSession`, and errors of the backends.
  package func run(
    _ configuration: RunConfiguration, providers: [Provider],
    ceilings: (DType) -> DeviceCeilings, onMeasurement: (Measurement) -> Void
  ) throws {
    guard let first = providers.first else { return }
    let step = try stepTimes(of: configuration, on: first.backend)
    for (operation, uses) in operations(of: step.graph, configuration.precision.dtype) {
      let best = ceilings(operation.dtype)
      let cost = operation.graph.cost(of: operation.node)
      let (count, bytes) = (cost.floatingPointOperations, cost.bytesRead + cost.bytesWritten)
      var known = Set<String>()
      func report(_ time: Time?) {
        guard let time, known.insert(time.variant).inserted else { return }
        onMeasurement(
          Measurement(
            kernel: operation.node.operation.name, variant: time.variant, shape: operation.shape,
            usesPerStep: uses, seconds: time.seconds,
            operationsPerSecond: Double(count) / time.seconds,
            bytesPerSecond: Double(bytes) / time.seconds,
            ceilingShare: best.leastSeconds(operations: count, bytes: bytes) / time.seconds))
      }
      if uses > 0 { report(step.times[operation.key]) }
      for (index, provider) in providers.enumerated()
      where (index > 0 || uses == 0) && provider.takes(operation) {
        report(try measure(operation, on: provider.backend))
      }
    }
  }

  /// The time of an operation, and the kernel of the longest of its launches.
  private struct Time {
    var seconds: Double
    let variant: String

    /// nil if the commands took no time.
    init?(_ commands: [TimedCommand], of session: any ProfilingSession) {
      guard commands.seconds > 0,
        let longest = commands.max(by: { $0.seconds < $1.seconds })?.launch
      else { return nil }
      seconds = commands.seconds
      variant = session.launchWork[longest].variant
    }

    static func shorter(_ a: Time?, _ b: Time?) -> Time? {
      guard let a, let b else { return a ?? b }
      return b.seconds < a.seconds ? b : a
    }
  }

  /// The times of a training step's operations in whole steps: the shortest time of each operation,
  /// and the mean over operations with the same key; and the graph that was launched.
  private func stepTimes(
    of configuration: RunConfiguration, on backend: any Backend
  ) throws -> (graph: Graph, times: [SingleOperation.Key: Time]) {
    let training = try StreamedTraining(
      withRandomImages: configuration, backend: backend, batchesInFlight: Self.stepsInFlight)
    let session = try UnprofiledSession.require(training.session)
    _ = try training.run(Self.stepsInFlight)
    var shortest: [Int: Time] = [:]
    let start = ContinuousClock.now
    repeat {
      for commands in try training.times(Self.stepsInFlight) {
        let launches = commands.filter { $0.launch != nil }
        let nodes = Dictionary(grouping: launches) { session.launchWork[$0.launch!].node }
        for (node, commands) in nodes {
          shortest[node] = .shorter(shortest[node], Time(commands, of: session))
        }
      }
    } while (ContinuousClock.now - start) / .seconds(1) < seconds
    let same = Dictionary(grouping: shortest.keys.sorted()) {
      SingleOperation(session.graph.nodes[$0], of: session.graph)?.key
    }
    var times: [SingleOperation.Key: Time] = [:]
    for case (let key?, let nodes) in same {
      guard var time = shortest[nodes[0]] else { continue }
      time.seconds = nodes.compactMap { shortest[$0]?.seconds }.reduce(0, +) / Double(nodes.count)
      times[key] = time
    }
    return (session.graph, times)
  }

  /// The different operations of a step with their number, by family.
  ///
  /// - Parameter backend: the device that optimizes the step.
  func operations(
    of configuration: RunConfiguration, on backend: any Backend
  ) throws -> [(operation: SingleOperation, uses: Int)] {
    try configuration.check()
    return operations(
      of: backend.optimized(
        try configuration.makeTrainingGraph(normalizing: CIFAR10.normalization).graph,
        configuration.recompute), configuration.precision.dtype)
  }

  /// The same of an optimized graph, and square products of a type.
  private func operations(
    of graph: Graph, _ dtype: DType
  ) -> [(operation: SingleOperation, uses: Int)] {
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
      (SingleOperation(squareProduct: $0, dtype), 0)
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
  ) throws -> Time? {
    guard
      let run = try OperationRun(operation, backend.bind(operation.graph, sharing: nil))
    else { return nil }
    var best: Time?
    func runOnce() throws {
      for commands in try run.run(Self.stepsInFlight) {
        best = .shorter(best, Time(commands, of: run.session))
      }
    }
    try runOnce()
    best = nil
    let start = ContinuousClock.now
    repeat { try runOnce() } while (ContinuousClock.now - start) / .seconds(1) < seconds
    return best
  }
}
