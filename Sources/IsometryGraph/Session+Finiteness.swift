import IsometryCore

extension Session {
  /// The first variable of the graph that holds a NaN or an infinity; nil if all numbers are finite. Waits
  /// for the steps started so far.
  package func nonFiniteVariable() throws -> String? {
    try graph.variables.first { !(try read(variable: $0.name).isFinite) }?.name
  }
}
