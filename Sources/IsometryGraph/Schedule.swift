internal import IsometryCore

/// The order in which a graph's nodes run, and the lifetime of each value.
///
/// Nodes run in the order of the graph. Autodiff puts a layer's weight gradient directly after the
/// operation that computes its upstream gradient. Updates run last. A sum over all ranks starts as soon as its values
/// are there, and is waited for directly before the first node that reads it. Sources are not run.
public struct Schedule: Sendable {
  /// The graph whose nodes are put in order.
  public let graph: Graph
  /// The nodes that run, in order, as positions in `graph.nodes`.
  public let order: [Int]
  /// For each value, the indices in `order` of the node that makes it, and of the last that reads it.
  /// Outputs live to the end. Sources have no interval; they live outside the step.
  public let lifetimes: [Value: ClosedRange<Int>]

  /// The schedule of a graph that passes `GraphVerifier`.
  public init(_ graph: Graph) {
    self.graph = graph
    order = graph.withSumsInTime(
      graph.positionsWithUpdatesLast.filter { !graph.nodes[$0].operation.isSource })
    var lifetimes: [Value: ClosedRange<Int>] = [:]
    for (index, position) in order.enumerated() {
      let node = graph.nodes[position]
      for input in node.inputs {
        if let known = lifetimes[input] { lifetimes[input] = known.lowerBound...index }
      }
      for result in node.results { lifetimes[result] = index...index }
    }
    for output in graph.outputs {
      if let known = lifetimes[output.value] {
        lifetimes[output.value] = known.lowerBound...max(order.count - 1, known.upperBound)
      }
    }
    self.lifetimes = lifetimes
  }

  /// The nodes that run, in order.
  public var nodes: [Node] { order.map { graph.nodes[$0] } }

  /// A claim on an arena for each value that the step makes, in order of the values.
  public var memoryRequests: [MemoryPlan.Request] {
    let uses = MemoryUses(of: graph)
    return lifetimes.sorted { $0.key < $1.key }.map { value, lifetime in
      MemoryPlan.Request(
        byteCount: graph.type(of: value).byteCount, lifetime: lifetime, use: uses[value])
    }
  }

  /// The most bytes of values that live at one position: no arena can be smaller.
  var peakByteCount: Int {
    MemoryPlan.peak(of: lifetimes.map { ($0.value, graph.type(of: $0.key).byteCount) }).byteCount
  }
}

extension Graph {
  /// The order with each `allReduceStart` directly after the last node that makes one of its values, and each
  /// `allReduceWait` directly before the first node that reads one of its results. Of several at one place, those
  /// that come first in `order` stay first.
  fileprivate func withSumsInTime(_ order: [Int]) -> [Int] {
    var started: [Int: [Int]] = [:]  // by the position of the node before
    var awaited: [Value: Int] = [:]
    var makers: [Int: Int] = [:]  // the index in `order` of each node
    for (index, position) in order.enumerated() { makers[position] = index }
    var unmade: [Int] = []
    for position in order {
      let node = nodes[position]
      switch node.operation {
      case .allReduceStart:
        let last = node.inputs.compactMap { makers[producers[$0.index]] }.max()
        if let last {
          started[order[last], default: []].append(position)
        } else {
          unmade.append(position)
        }
      case .allReduceWait: for result in node.results { awaited[result] = position }
      default: break
      }
    }
    if awaited.isEmpty { return order }
    var result: [Int] = []
    var isDone = nodes.map { _ in false }
    func run(_ position: Int) {
      guard !isDone[position] else { return }
      isDone[position] = true
      for input in nodes[position].inputs {
        if let wait = awaited[input] { run(wait) }
      }
      result.append(position)
      for start in started[position] ?? [] { run(start) }
    }
    for position in unmade { run(position) }
    for position in order {
      switch nodes[position].operation {
      case .allReduceStart, .allReduceWait: break
      default: run(position)
      }
    }
    // Outputs may be sums that no node reads.
    for position in order { run(position) }
    return result
  }
}
