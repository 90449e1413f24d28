internal import IsometryCore
internal import IsometryGraph
public import IsometryNN

/// Between which two places of a network a Jacobian is taken.
public struct JacobianSection: Sendable, Hashable, CustomStringConvertible {
  /// Where it starts.
  public enum Start: String, Sendable, Hashable, CaseIterable {
    /// The image, normalised.
    case input
    /// What the first layer gives: where the layers of one width begin, which the laws describe.
    case stack
  }

  /// Where it ends.
  public enum End: String, Sendable, Hashable, CaseIterable {
    /// What the last block or hidden layer gives, before any pooling.
    case features
    /// The features averaged over the image; the features themselves for a perceptron.
    case pooled
    /// What the head gives.
    case logits
  }

  /// Where the Jacobian starts.
  public var start: Start
  /// Where the Jacobian ends.
  public var end: End

  /// Without arguments: from the image to the features.
  public init(from start: Start = .input, to end: End = .features) {
    self.start = start
    self.end = end
  }

  public var description: String { "\(start.rawValue) to \(end.rawValue)" }

  /// Where a Jacobian starts unless asked otherwise: at the stack where all layers behind it have one
  /// shape, so that a law for such layers can be laid over it; at the input else.
  public static func defaultStart(for network: any Network) -> Start {
    let values = Linearization.Primal(
      network, JacobianSection(), precision: .float32, batch: 1)
    let graph = values.builder.graph
    let shape = graph.shape(of: values.values.stack)
    let isUniform =
      shape == graph.shape(of: values.values.features)
      && values.values.stack != values.values.features
      && values.builder.layout.blocks.allSatisfy { $0.form == .activatedBranch }
    return isUniform ? .stack : .input
  }

  func startValue(image: Value, _ values: NetworkValues) -> Value {
    switch start {
    case .input: image
    case .stack: values.stack
    }
  }

  func endValue(_ values: NetworkValues) -> Value {
    switch end {
    case .features: values.features
    case .pooled: values.pooled
    case .logits: values.logits
    }
  }
}
