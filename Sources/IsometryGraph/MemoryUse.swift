internal import IsometryCore

/// The purpose of a piece of a session's memory.
public enum MemoryUse: String, Sendable, Hashable, CaseIterable {
  /// Variables that an optimizer changes, or that nothing changes.
  case parameters
  /// The state of the optimizer and of loss scaling.
  case optimizerState = "optimizer_state"
  /// Running averages, and sums over steps.
  case statistics
  /// Values made of variables alone: 16-bit copies, weights as kernels read them.
  case parameterCopies = "parameter_copies"
  /// Values of the forward pass that the backward pass reads: kept since then, or computed again.
  case activations
  /// Values that depend on the gradient of the loss.
  case gradients
  /// Values that only the next operations read, and the workspaces of kernels.
  case temporaries
  /// The inputs of the step and of those that are staged.
  case inputs
  /// Numbers that never change, for kernels.
  case tables
  /// The space between the tensors of an arena.
  case gaps

  /// Of a copy of such memory in another type or layout.
  package var ofCopy: MemoryUse {
    switch self {
    case .parameters, .optimizerState, .statistics: .parameterCopies
    case .parameterCopies, .activations, .gradients, .temporaries, .inputs, .tables, .gaps: self
    }
  }
}

/// Bytes by use.
public struct MemoryBreakdown: Sendable, Equatable {
  private var byteCounts: [MemoryUse: Int] = [:]

  /// A breakdown without bytes.
  public init() {}

  /// Bytes of one use.
  public internal(set) subscript(use: MemoryUse) -> Int {
    get { byteCounts[use] ?? 0 }
    set { byteCounts[use] = newValue == 0 ? nil : newValue }
  }

  /// Bytes of all uses.
  public var total: Int { byteCounts.values.reduce(0, +) }

  /// Counts more bytes of a use.
  package mutating func add(_ byteCount: Int, _ use: MemoryUse) { self[use] += byteCount }

  /// The bytes of both.
  package static func + (left: MemoryBreakdown, right: MemoryBreakdown) -> MemoryBreakdown {
    var sum = left
    sum.byteCounts.merge(right.byteCounts, uniquingKeysWith: +)
    return sum
  }
}

/// The use of each value of a graph, which follows from its producer and its readers.
package struct MemoryUses: Sendable {
  private var uses: [MemoryUse]  // by `Value.index`

  /// The uses of the values of a graph that passes `GraphVerifier`.
  package init(of graph: Graph) {
    uses = [MemoryUse](repeating: .temporaries, count: graph.types.count)
    for node in graph.nodes { classify(node) }
    for node in graph.nodes where node.inputs.contains(where: { self[$0] == .gradients }) {
      for input in node.inputs where self[input] == .temporaries { set(.activations, input) }
    }
    let isForward = graph.isForward
    for node in graph.nodes {
      classifyVariables(node) { isForward[graph.producers[$0.index]] }
    }
  }

  /// The use of a value of the graph.
  package subscript(value: Value) -> MemoryUse { uses[value.index] }

  private mutating func set(_ use: MemoryUse, _ value: Value) { uses[value.index] = use }

  private mutating func classify(_ node: Node) {
    let isGradient = node.inputs.contains { self[$0] == .gradients }
    let isCopy =
      !node.inputs.isEmpty && node.inputs.allSatisfy { self[$0].ofCopy == .parameterCopies }
    for (index, result) in node.results.enumerated() {
      if case .input = node.operation {
        set(.inputs, result)
      } else if node.operation.isSource {
        set(.parameters, result)
      } else if isGradient || node.operation.isLossGradient(index) {
        set(.gradients, result)
      } else if isCopy {
        set(.parameterCopies, result)
      }
    }
  }

  private mutating func classifyVariables(_ node: Node, isForward: (Value) -> Bool) {
    switch node.operation {
    case .update(let update):
      for range in update.inputRanges {
        for slot in node.inputs[range].dropFirst(2) { set(.optimizerState, slot) }
      }
    case .orthogonalUpdate(let update, let count):
      for range in update.inputRanges(count: count) {
        set(.optimizerState, node.inputs[range.upperBound - 1])
      }
    case .lossScaleUpdate: for input in node.inputs.prefix(2) { set(.optimizerState, input) }
    case .runningAverage, .accumulate:
      for index in node.operation.mutatedInputs {
        let variable = node.inputs[index]
        // An optimizer may write parameters and its state with `Graph.assign`.
        if self[node.inputs[index + 1]] != .gradients {
          set(.statistics, variable)
        } else if !isForward(variable) {
          set(.optimizerState, variable)
        }
      }
    case .input, .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
      .scalarAdd, .biasAdd, .activation, .activationGradient, .reshape, .sum, .dot, .channelSum,
      .broadcast, .broadcastChannels, .matrixMultiply, .convolution, .convolutionInputGradient,
      .convolutionWeightGradient, .batchNormalization, .batchNormalizationStatistics,
      .normalizationFactor, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .weightStandardization, .weightStandardizationGradient,
      .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient, .softmaxCrossEntropy, .decodeImages, .norm,
      .gradientScale, .adaptiveClip, .momentumDirections, .allReduceStart, .allReduceWait:
      break
    }
  }
}

extension Operation {
  /// Whether a result is the gradient of the loss, on which all other gradients depend.
  fileprivate func isLossGradient(_ result: Int) -> Bool {
    if case .softmaxCrossEntropy = self { return result >= 2 }
    return false
  }
}

extension Graph {
  /// The bytes of the graph's variables, each as it is declared, by use.
  package func variableMemory(_ uses: MemoryUses) -> MemoryBreakdown {
    var memory = MemoryBreakdown()
    for (_, value) in variables { memory.add(type(of: value).byteCount, uses[value]) }
    return memory
  }

  /// The bytes of the graph's inputs.
  package var inputMemory: MemoryBreakdown {
    var memory = MemoryBreakdown()
    for (_, value) in inputs { memory.add(type(of: value).byteCount, .inputs) }
    return memory
  }
}
