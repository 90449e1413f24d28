package import IsometryCore
internal import IsometryGraph
public import IsometryNN

/// The start and the end of a Jacobian in a network.
public struct JacobianSection: Sendable, Hashable, CustomStringConvertible {
  /// The start of a section.
  public enum Start: String, Sendable, Hashable, CaseIterable {
    /// The normalized image.
    case input
    /// The first layer's result. The layers of one width, which the laws describe, begin there.
    case stack
  }

  /// The end of a section.
  public enum End: String, Sendable, Hashable, CaseIterable {
    /// The result of the last block or hidden layer, before any pooling.
    case features
    /// The features averaged over the image; the features themselves for a perceptron.
    case pooled
    /// The head's result.
    case logits
  }

  /// The extent of a section.
  public enum Extent: Sendable, Hashable {
    /// From `start` to `end`.
    case whole
    /// One of the network's segments alone, a position in `NetworkLayout.segments`.
    case segment(Int)
    /// From the image to the end of that segment.
    case through(Int)
  }

  /// The start of the Jacobian.
  public var start: Start
  /// The end of the Jacobian.
  public var end: End
  /// The extent. Unless it is `whole`, start and end are ignored.
  public var extent = Extent.whole

  /// Makes a section; by default from the image to the features.
  public init(from start: Start = .input, to end: End = .features) {
    self.start = start
    self.end = end
  }

  /// Makes the section of a segment of a network, or of the network up to the end of that segment.
  public init(_ extent: Extent) {
    self.init()
    self.extent = extent
  }

  public var description: String {
    switch extent {
    case .whole: "\(start.rawValue) to \(end.rawValue)"
    case .segment(let index): "segment \(index)"
    case .through(let index): "input through segment \(index)"
    }
  }

  /// The default start of a Jacobian. It is the stack if all layers after it have one shape, so that a
  /// law for such layers applies; otherwise it is the input.
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
    case (.segment(0), _), (.through, _), (.whole, .input): image
    case (.segment(let index), _): values.segments[index - 1]
    case (.whole, .stack): values.stack
    }
  }

  func endValue(_ values: NetworkValues) -> Value {
    switch (extent, end) {
    case (.segment(let index), _), (.through(let index), _): values.segments[index]
    case (.whole, .features): values.features
    case (.whole, .pooled): values.pooled
    case (.whole, .logits): values.logits
    }
  }
}

// Terms of messages about sections.
extension Term {
  package static let sectionStart = Term("section start")
  package static let sectionEnd = Term("section end")
}
