internal import IsometryCore

/// Graphs as text, one node a line:
/// `%4 = convolution(%2, %3) stride 1×1 padding 1×1 : fp32[8, 16, 32, 32]`.
public enum GraphPrinter {
  /// The graph as text: one line a node, with the names of sources and outputs.
  public static func text(of graph: Graph) -> String {
    var lines = graph.nodes.map { line(for: $0, in: graph) }
    lines += graph.outputs.map { "output \($0.name) = %\($0.value.index)" }
    return lines.joined(separator: "\n") + "\n"
  }

  static func line(for node: Node, in graph: Graph) -> String {
    let results = node.results.map { "%\($0.index)" }.joined(separator: ", ")
    let inputs = node.inputs.map { "%\($0.index)" }.joined(separator: ", ")
    let types = node.results.map { graph.type(of: $0).description }.joined(separator: ", ")
    let attributes = node.operation.attributeText
    var text = "\(node.operation.name)(\(inputs))"
    if !attributes.isEmpty { text += " " + attributes }
    return results.isEmpty ? text : "\(results) = \(text) : \(types)"
  }
}

extension Convolution.Pair: CustomStringConvertible {
  public var description: String { "\(height)×\(width)" }
}

extension Epilogue: CustomStringConvertible {
  public var description: String {
    var parts: [String] = []
    if hasBias { parts.append("+bias") }
    if hasResidual { parts.append("+residual") }
    if activation != .linear { parts.append(activation.name) }
    if hasStatistics { parts.append("+statistics") }
    return parts.joined(separator: " ")
  }
}

extension Prologue: CustomStringConvertible {
  public var description: String {
    ["of normalized", activation == .linear ? "" : activation.name].filter { !$0.isEmpty }
      .joined(separator: " ")
  }
}

extension ActivationGradient: CustomStringConvertible {
  public var description: String {
    "\(activation.name) from \(reference)" + (hasChannelSum ? " +channel sum" : "")
  }
}

extension Convolution: CustomStringConvertible {
  public var description: String { "stride \(stride) padding \(padding)" }
}

extension Pooling: CustomStringConvertible {
  public var description: String {
    "\(kind.rawValue) \(window) stride \(stride) padding \(padding)"
  }
}

extension OrthogonalUpdate: CustomStringConvertible {
  public var description: String {
    "momentum \(momentum)" + (nesterov ? " nesterov" : "") + (keepsNorm ? " of fixed norm" : "")
  }
}

extension Operation {
  package var label: String {
    let attributes = attributeText
    return attributes.isEmpty ? name : "\(name) \(attributes)"
  }

  /// The attributes in words, without the shapes that results show anyway.
  var attributeText: String {
    func joined(_ parts: String...) -> String {
      parts.filter { !$0.isEmpty }.joined(separator: " ")
    }
    func epilogueText(_ gradient: ActivationGradient?) -> String {
      gradient.map { ($0.addends == 2 ? "+addend " : "") + $0.description } ?? ""
    }
    switch self {
    case .input(let name, _), .variable(let name, _): return "\"\(name)\""
    case .fill(let value, _): return "\(value)"
    case .scale(let factor): return "\(factor)"
    case .activation(let activation): return activation.name
    case .activationGradient(let gradient): return gradient.description
    case .matrixMultiply(let product):
      return joined(
        product.transposeLeft ? "left transposed" : "",
        product.transposeRight ? "right transposed" : "", product.epilogue.description)
    case .convolution(let convolution, let epilogue, let prologue):
      return joined(
        convolution.description, prologue?.description ?? "", epilogue.description)
    case .convolutionInputGradient(let convolution, _, let gradient):
      return joined(convolution.description, epilogueText(gradient))
    case .globalAveragePoolGradient(_, let gradient): return epilogueText(gradient)
    case .convolutionWeightGradient(let convolution, _, _, let prologue):
      return joined(convolution.description, prologue?.description ?? "")
    case .batchNormalization(let normalization),
      .batchNormalizationStatistics(let normalization), .frozenNormalization(let normalization),
      .normalizationFactor(let normalization), .batchNormalizationGradient(let normalization),
      .batchNormalizationReduction(let normalization),
      .batchNormalizationInputGradient(let normalization),
      .frozenNormalizationInputGradient(let normalization):
      return joined("epsilon \(normalization.epsilon)", normalization.epilogue.description)
    case .pool(let pooling), .maxPoolGradient(let pooling), .maxPoolTangent(let pooling),
      .averagePoolGradient(let pooling, _):
      return pooling.description
    case .weightStandardization(let standardization),
      .weightStandardizationGradient(let standardization):
      let factors = Set(standardization.factors).sorted().map { "\($0)" }.joined(separator: ", ")
      return
        "× \(standardization.factors.count) epsilon \(standardization.epsilon) factor \(factors)"
    case .softmaxCrossEntropy(let smoothing, let mixes, let narrow):
      return joined(
        smoothing == 0 ? "" : "smoothing \(smoothing)", mixes ? "mixed" : "",
        narrow.map { "+gradient in \($0.rawValue)" } ?? "")
    case .update(let update): return "\(update.rule) × \(update.parameters.count)"
    case .adaptiveClip(let clip): return "share \(clip.share)"
    case .momentumDirections(let update): return update.description
    case .orthogonalUpdate(let update, let count): return "\(update) × \(count)"
    case .runningAverage(let averages): return "× \(averages.count)"
    case .accumulate(let count), .allReduceStart(let count), .allReduceWait(let count):
      return "× \(count)"
    case .decodeImages(let decoding):
      return joined(decoding.description, decoding.mixes ? "mixed" : "")
    case .gradientScale(let scale):
      return joined(
        scale.maximumNorm.map { "maximum norm \($0)" } ?? "",
        scale.hasLossScale ? "with loss scale" : "")
    case .lossScaleUpdate(let scaling): return "every \(scaling.growthInterval)"
    case .cast, .add, .subtract, .multiply, .scalarMultiply, .scalarAdd, .biasAdd, .reshape, .sum,
      .dot, .channelSum, .broadcast, .broadcastChannels, .globalAveragePool, .norm:
      return ""
    }
  }
}
