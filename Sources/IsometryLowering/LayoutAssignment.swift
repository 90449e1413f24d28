import IsometryCore
package import IsometryGraph

/// A layout for each value of a graph. Values that pointwise operations connect share one, so that
/// most operations find their operands as they want them; where they do not, the lowering changes
/// layouts with a launch of its own.
package struct LayoutAssignment {
  private let graph: Graph
  private let known: [String: Layout]
  /// The group of each value, by `Value.index`.
  private let groups: [Int]
  /// Of each group, how many more operations want weights of it than images.
  private var votesForWeights: [Int: Int] = [:]
  private var forced: [Int: Layout] = [:]

  /// - Parameter variables: layouts of variables that are on the device already.
  package init(_ graph: Graph, variables: [String: Layout]) {
    self.graph = graph
    known = variables
    groups = graph.layoutGroups {
      graph.shape(of: $0).rank == 4 && !graph.keepsRowMajor($0) ? 0 : nil
    }
    for roles in graph.nodes.map(\.layoutRoles) {
      for image in roles.images { vote(image, -1) }
      for weight in roles.weights { vote(weight, 1) }
    }
    for (name, value) in graph.variables {
      if let layout = variables[name] { forced[groups[value.index]] = layout }
    }
  }

  private mutating func vote(_ value: Value, _ count: Int) {
    if graph.shape(of: value).rank == 4 {
      votesForWeights[groups[value.index], default: 0] += count
    }
  }

  /// The layout that a value is made and kept in.
  package func layout(of value: Value) -> Layout {
    if graph.shape(of: value).rank != 4 || graph.keepsRowMajor(value) { return .rowMajor }
    // A group can hold variables that earlier sessions made in different layouts.
    if case .variable(let name, _) = graph.producer(of: value).operation, let layout = known[name] {
      return layout
    }
    let group = groups[value.index]
    return forced[group] ?? (votesForWeights[group, default: 0] > 0 ? .filtersLast : .channelsLast)
  }
}

extension Graph {
  /// Whether a value has the host's layout, which must not influence the layout of other values.
  fileprivate func keepsRowMajor(_ value: Value) -> Bool {
    if case .input = producer(of: value).operation { return true }
    if case .reshape = producer(of: value).operation { return true }
    return false
  }
}
