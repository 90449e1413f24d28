internal import IsometryCore
internal import IsometryGraph
public import IsometryNN

/// Between which two places of a network a Jacobian is taken.
public struct JacobianSection: Sendable, Hashable, CustomStringConvertible {
  /// Where it starts.
  public enum Start: String, Sendable, Hashable, CaseIterable {
    /// The image, normalized.
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

  /// How much of the network lies in between.
  public enum Extent: Sendable, Hashable {
    /// What is between `start` and `end`.
    case whole
    /// One of the network's parts alone, a position in `NetworkLayout.parts`.
    case part(Int)
    /// What is between the image and the end of that part.
    case through(Int)
  }

  /// Where the Jacobian starts.
  public var start: Start
  /// Where the Jacobian ends.
  public var end: End
  /// Of other extents than `whole` the start and the end do not matter.
  public var extent = Extent.whole

  /// Without arguments: from the image to the features.
  public init(from start: Start = .input, to end: End = .features) {
    self.start = start
    self.end = end
  }

  /// A part of a network, or the network up to the end of that part.
  public init(_ extent: Extent) {
    self.init()
    self.extent = extent
  }

  public var description: String {
    switch extent {
    case .whole: "\(start.rawValue) to \(end.rawValue)"
    case .part(let index): "part \(index)"
    case .through(let index): "input through part \(index)"
    }
  }

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
    switch (extent, start) {
    case (.part(0), _), (.through, _), (.whole, .input): image
    case (.part(let index), _): values.parts[index - 1]
    case (.whole, .stack): values.stack
    }
  }

  func endValue(_ values: NetworkValues) -> Value {
    switch (extent, end) {
    case (.part(let index), _), (.through(let index), _): values.parts[index]
    case (.whole, .features): values.features
    case (.whole, .pooled): values.pooled
    case (.whole, .logits): values.logits
    }
  }
}
