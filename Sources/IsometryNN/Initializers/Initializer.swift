public import IsometryCore
public import IsometryGraph

/// A law for the initial weights of a network.
///
/// An initializer is one file and one line in `InitializerRegistry`. It draws each parameter from the
/// random stream of that parameter's name, so that a network's weights depend on the seed alone, and
/// computes in Double; who stores them rounds once.
public protocol Initializer: Sendable {
  /// The spelling of the command line.
  static var name: String { get }

  /// What it does, in one line.
  static var summary: String { get }

  /// The networks that it can initialize, in one line.
  static var conditions: String { get }

  /// The options that `init(options:)` reads.
  static var options: [InitializerOption] { get }

  /// - Throws: `InitializationError` for values that an option does not take.
  init(options: InitializerOptions) throws(InitializationError)

  /// What residual blocks must have besides their weights.
  var blockTraits: BlockTraits { get }

  /// The learning rate of parameters that are one number for a whole tensor, as a share of the others'.
  var scalarLearningRate: Double { get }

  /// How many images of the data set the weights depend on: 0, but for an initializer that measures.
  var imagesNeeded: Int { get }

  /// The initializer itself, or for one that measures the one that it becomes on these images.
  ///
  /// - Parameters:
  ///   - images: normalized, fp32 [imagesNeeded, C, H, W].
  ///   - backend: where the network runs for the measurement, in fp32.
  /// - Throws: `InitializationError` where the images give nothing to measure; what the backend throws.
  func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer

  /// What the weights of hidden layers are.
  var weightEnsemble: WeightEnsemble { get }

  /// - Throws: `InitializationError` where the network does not meet a condition of the initializer.
  func check(_ layout: NetworkLayout) throws(InitializationError)

  /// Draws every weight, and any other parameter that should not have its role's neutral value.
  ///
  /// - Parameters:
  ///   - layout: has passed `check`.
  ///   - store: takes a parameter's elements in row-major order; called at most once for each.
  /// - Throws: what `store` throws.
  func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void) throws
}

extension Initializer {
  public static var options: [InitializerOption] { [] }
  public var blockTraits: BlockTraits { BlockTraits() }
  public var scalarLearningRate: Double { 1 }
  public var imagesNeeded: Int { 0 }

  public func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer { self }

  public var weightEnsemble: WeightEnsemble { .other }
  public func check(_ layout: NetworkLayout) throws(InitializationError) {}

  /// Checks the network and gives every parameter its initial value: what the initializer draws, and
  /// zeros for biases and shifts, ones for scales and multipliers otherwise.
  ///
  /// - Throws: `InitializationError` where the network does not meet the initializer's conditions;
  ///   what `store` throws.
  public func initialize(
    _ layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
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
  /// - Throws: `InitializationError` where the network does not meet the initializer's conditions.
  public func values(for layout: NetworkLayout, seed: UInt64) throws -> [String: [Double]] {
    var values: [String: [Double]] = [:]
    try initialize(layout, seed: seed) { values[$0.name] = $1 }
    return values
  }
}

extension NetworkLayout {
  /// Sets the parameters and statistics of a session's graph to their state before the first step,
  /// rounded once to the variables' type. Those that the graph does not have are left out.
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
      let elements = [Double](
        repeating: statistic.kind.initialValue, count: type.shape.elementCount)
      try session.write(
        HostTensor(type.shape, elements, as: type.dtype), toVariable: statistic.name)
    }
  }
}
