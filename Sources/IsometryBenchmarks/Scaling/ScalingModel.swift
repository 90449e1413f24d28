public import IsometryCommunication
import IsometryCore
package import IsometryGraph

/// A training step of one of several ranks, as the list of its device's work. The time of the step follows from it for
/// any number of ranks.
public struct ScalingModel: Sendable, Equatable {
  enum Entry: Sendable, Equatable {
    case computation(seconds: Double)
    /// The sum of that number starts.
    case start(sum: Int)
    /// The step waits for the sum of that number.
    case wait(sum: Int)
  }

  /// In the order of the launches.
  let entries: [Entry]
  /// The bytes of each sum over all ranks.
  let byteCounts: [Int]

  /// - Parameters:
  ///   - graph: optimized, with the sums of a rank.
  ///   - seconds: the position of a node in the graph, and the time of a launch of it, in the order of the launches.
  package init(_ graph: Graph, seconds: [(node: Int, seconds: Double)]) {
    var entries: [Entry] = []
    var byteCounts: [Int] = []
    var sums: [Value: Int] = [:]
    for (position, seconds) in seconds {
      let node = graph.nodes[position]
      switch node.operation {
      case .allReduceStart:
        for result in node.results { sums[result] = byteCounts.count }
        entries.append(.start(sum: byteCounts.count))
        byteCounts.append(node.inputs.map { graph.type(of: $0).byteCount }.reduce(0, +))
      case .allReduceWait:
        if let sum = sums[node.inputs[0]] { entries.append(.wait(sum: sum)) }
      default: entries.append(.computation(seconds: seconds))
      }
    }
    self.entries = entries
    self.byteCounts = byteCounts
  }

  /// The number of sums over all ranks.
  public var sumCount: Int { byteCounts.count }
  /// The bytes of all sums.
  public var sumBytes: Int { byteCounts.reduce(0, +) }
  /// The bytes of the largest sum.
  public var largestSum: Int { byteCounts.max() ?? 0 }

  /// Seconds of a step without communication.
  public var computationSeconds: Double {
    entries.reduce(0) { total, entry in
      if case .computation(let seconds) = entry { total + seconds } else { total }
    }
  }

  /// The step of a number of ranks.
  public struct Step: Sendable, Equatable {
    /// The number of ranks.
    public let ranks: Int
    /// Seconds of the step.
    public let seconds: Double
    /// Seconds of all sums over the ranks.
    public let communicationSeconds: Double
    /// Seconds for which the step waits for sums.
    public let waitedSeconds: Double
    /// Seconds of the processor that sums take from the computation.
    public let processorSeconds: Double
    /// The share of a step without communication in this step, 0 to 1. So fast is each rank beside one that trains
    /// alone.
    public let efficiency: Double

    /// The share of the communication that the computation hides, 0 to 1; nil without communication.
    public var hiddenShare: Double? {
      CommunicationTimes(seconds: communicationSeconds, waitedSeconds: waitedSeconds).hiddenShare
    }
  }

  /// The step of a number of ranks. Sums run one after the other, beside the computation.
  ///
  /// - Parameters:
  ///   - network: of the ranks.
  ///   - processorShare: the part of a sum's time in which the processor that computes works on it. It is 1 for
  ///     ranks that share memory, and 0 for GPUs whose network reads their memory.
  public func step(
    ranks: Int, network: AllReduceModel, processorShare: Double = 0
  ) -> Step {
    var time = 0.0
    var free = 0.0
    var communication = 0.0
    var waited = 0.0
    var ends = [Double](repeating: 0, count: byteCounts.count)
    for entry in entries {
      switch entry {
      case .computation(let seconds): time += seconds
      case .start(let sum):
        let seconds = network.best(byteCounts[sum], ranks: ranks).seconds
        free = max(free, time) + seconds
        ends[sum] = free
        communication += seconds
      case .wait(let sum):
        waited += max(0, ends[sum] - time)
        time = max(time, ends[sum])
      }
    }
    // While a step waits, its processor is free for the sum.
    let processor = processorShare * max(0, communication - waited)
    time += processor
    return Step(
      ranks: ranks, seconds: time, communicationSeconds: communication, waitedSeconds: waited,
      processorSeconds: processor, efficiency: time > 0 ? computationSeconds / time : 1)
  }
}
