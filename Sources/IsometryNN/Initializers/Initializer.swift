public import IsometryCore
public import IsometryGraph

/// A law for the initial weights of a network.
///
/// An initializer is one file and one line in `InitializerRegistry`. It draws each parameter from the
/// random stream of that parameter's name, so that a network's weights depend on the seed alone. It
/// computes in Double; the code that stores the weights rounds once.
public protocol Initializer: Sendable {
  /// The name in configurations and messages.
  static var name: String { get }

  /// The purpose, in one line.
  static var summary: String { get }

  /// The networks that it can initialize, in one line.
  static var conditions: String { get }

  /// The options that `init(options:)` reads.
  static var options: [InitializerOption] { get }

  /// - Throws: `InitializationError` for values that an option does not accept.
  init(options: InitializerOptions) throws(InitializationError)

  /// The requirements on residual blocks besides their weights.
  var blockTraits: BlockTraits { get }

  /// The learning rate of parameters that are one number for a whole tensor, relative to the others'.
  var scalarLearningRate: Double { get }

  /// The number of images of the data set that the weights depend on. It is 0 except for an initializer
  /// that measures.
  var imagesNeeded: Int { get }

  /// The initializer itself. An initializer that measures returns its result on these images.
  ///
  /// - Parameters:
  ///   - images: normalized, fp32 [imagesNeeded, C, H, W].
  ///   - backend: runs the network for the measurement, in fp32.
  /// - Throws: `InitializationError` if the images give nothing to measure; the backend's errors.
  func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer

  /// The ensemble of hidden weights.
  var weightEnsemble: WeightEnsemble { get }

  /// - Throws: `InitializationError` if the network violates a condition of the initializer.
  func check(_ layout: NetworkLayout) throws(InitializationError)

  /// Draws every weight, and any other parameter that should not have its role's neutral value.
  ///
  /// - Parameters:
  ///   - layout: has passed `check`.
  ///   - store: takes a parameter's elements in row-major order; called at most once for each.
  /// - Throws: the errors of `store`.
  func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws
}

/// A consumer of a parameter's initial elements, in row-major order.
public typealias ParameterStore = (Parameter, [Double]) throws -> Void

extension Initializer {
  static func refusal(_ reason: Explanation, _ remedy: Explanation) -> InitializationError {
    .condition(initializer: name, reason: reason, remedy: remedy)
  }

  /// Throws for a network with standardized weights: for initializers of whose weights nothing would be
  /// left.
  static func requireWeightsAsDrawn(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.normalization == .weight else { return }
    throw refusal(
      "sets means and norms of weights, which standardization replaces",
      "use \(.normalization) none, or \(.initializer) he or orthogonal")
  }

  public static var options: [InitializerOption] { [] }
  public var blockTraits: BlockTraits { BlockTraits() }
  public var scalarLearningRate: Double { 1 }
  public var imagesNeeded: Int { 0 }

  public func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer { self }

  public var weightEnsemble: WeightEnsemble { .other }
  public func check(_ layout: NetworkLayout) throws(InitializationError) {}

  /// Checks the network and gives every parameter its initial value. Parameters that the initializer
  /// does not draw get zeros for biases and shifts, and ones for scales and multipliers.
  ///
  /// - Throws: `InitializationError` if the network violates the initializer's conditions; the errors
  ///   of `store`.
  public func initialize(
    _ layout: NetworkLayout, seed: UInt64, store: ParameterStore
  ) throws {
    try check(layout)
    var missing = Set(layout.parameters)
    try ProductThreads.withOne {
      try draw(for: layout, seed: seed) { parameter, elements in
        precondition(
          elements.count == parameter.shape.elementCount, "\(parameter.name) is \(parameter.shape)")
        precondition(missing.remove(parameter) != nil, "\(parameter.name) was drawn twice")
        try store(parameter, elements)
      }
    }
    for parameter in layout.parameters where missing.contains(parameter) {
      guard let value = parameter.role.neutralValue else {
        preconditionFailure("\(Self.name) left \(parameter.name) undrawn")
      }
      try store(parameter, [Double](repeating: value, count: parameter.shape.elementCount))
    }
  }

  /// The initial values of every parameter in Double, by name.
  ///
  /// - Throws: `InitializationError` if the network violates the initializer's conditions.
  public func values(for layout: NetworkLayout, seed: UInt64) throws -> [String: [Double]] {
    var values: [String: [Double]] = [:]
    try initialize(layout, seed: seed) { values[$0.name] = $1 }
    return values
  }
}

extension NetworkLayout {
  /// Sets the parameters and statistics of a session's graph to their state before the first step,
  /// rounded once to the variables' type. Those that the graph lacks are skipped.
  public func writeInitialState(
    to session: any Session, initializer: any Initializer, seed: UInt64
  ) throws {
    try initializer.initialize(self, seed: seed) { parameter, elements in
      guard let value = session.graph.source(named: parameter.name) else { return }
      let dtype = session.graph.type(of: value).dtype
      let tensor = HostTensor(parameter.shape, elements, as: dtype)
      try session.write(tensor, toVariable: parameter.name)
    }
    for statistic in statistics {
      guard let value = session.graph.source(named: statistic.name) else { continue }
      let type = session.graph.type(of: value)
      // Batch Normalization with mean 0 and variance 1 keeps its input.
      let elements = [Double](
        repeating: statistic.kind == .variance ? 1 : 0, count: type.shape.elementCount)
      try session.write(
        HostTensor(type.shape, elements, as: type.dtype), toVariable: statistic.name)
    }
  }
}
