internal import IsometryGraph
internal import IsometryNN

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
    case logits
  }

  public var start: Start
  public var end: End

  public init(from start: Start = .input, to end: End = .features) {
    self.start = start
    self.end = end
  }

  public var description: String { "\(start.rawValue) to \(end.rawValue)" }

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
