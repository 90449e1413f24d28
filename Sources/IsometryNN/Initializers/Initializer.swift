internal import IsometryCore
public import IsometryGraph

/// A law for the initial weights of a network.
///
/// An initialiser is one file and one line in `InitializerRegistry`. It draws each parameter from the
/// random stream of that parameter's name, so that a network's weights depend on the seed alone, and
/// computes in Double; who stores them rounds once.
public protocol Initializer: Sendable {
  /// The spelling of the command line.
  static var name: String { get }

  /// - Throws: `InitializationError` for options that the initialiser does not know, or with values
  ///   that it does not take.
  init(options: InitializerOptions) throws(InitializationError)

  /// Whether residual branches should have a learned factor.
  var wantsBranchMultipliers: Bool { get }

  /// - Throws: `InitializationError` where the network does not meet a condition of the initialiser.
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
  public var wantsBranchMultipliers: Bool { false }
  public func check(_ layout: NetworkLayout) throws(InitializationError) {}

  /// Checks the network and gives every parameter its initial value: what the initialiser draws, and
  /// zeros for biases and shifts, ones for scales and multipliers otherwise.
  ///
  /// - Throws: `InitializationError` where the network does not meet the initialiser's conditions;
  ///   what `store` throws.
  public func initialize(
    _ layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    try check(layout)
    var missing = Set(layout.parameters)
    try draw(for: layout, seed: seed) { parameter, elements in
      precondition(
        elements.count == parameter.shape.elementCount, "\(parameter.name) is \(parameter.shape)")
      precondition(missing.remove(parameter) != nil, "\(parameter.name) was drawn twice")
      try store(parameter, elements)
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
  /// - Throws: `InitializationError` where the network does not meet the initialiser's conditions.
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
