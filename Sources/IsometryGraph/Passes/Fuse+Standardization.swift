internal import IsometryCore

extension Graph {
  /// One standardization of all weights that are standardized alike, and one gradient of it.
  func joiningStandardizations() -> Graph {
    var graph = self
    var kinds: [Operation] = []
    for node in nodes {
      guard let kind = node.operation.withoutFactors, !kinds.contains(kind) else { continue }
      kinds.append(kind)
      graph = graph.joiningStandardizations(of: kind)
    }
    return graph
  }

  /// - Parameter kind: the joined operations without their factors. The one operation stands after all
  ///   that they need, and before all that needs them. If one of them needs another, all stay.
  private func joiningStandardizations(of kind: Operation) -> Graph {
    var rewriter = Rewriter(self)
    var (members, later): ([Node], [Node]) = ([], [])
    var dependents = Set<Value>()
    for node in positionsWithUpdatesLast.map({ nodes[$0] }) {
      let depends = node.inputs.contains { dependents.contains($0) }
      if node.operation.withoutFactors == kind {
        if depends { return self }
        members.append(node)
      } else if depends || !node.operation.mutatedInputs.isEmpty {
        later.append(node)
      } else {
        rewriter.copy(node)
        continue
      }
      dependents.formUnion(node.results)
    }
    let joined = kind.replacingFactors(members.flatMap(\.operation.standardizationFactors))
    let results = rewriter.append(joined, members.flatMap { rewriter.inputs(of: $0) })
    rewriter.replace(members.flatMap(\.results), with: results)
    for node in later { rewriter.copy(node) }
    return rewriter.finish()
  }
}

extension Operation {
  fileprivate var standardizationFactors: [Double] {
    switch self {
    case .weightStandardization(let attributes), .weightStandardizationGradient(let attributes):
      attributes.factors
    default: []
    }
  }

  /// A standardization, or its gradient, with other factors.
  fileprivate func replacingFactors(_ factors: [Double]) -> Operation {
    switch self {
    case .weightStandardization(var attributes):
      attributes.factors = factors
      return .weightStandardization(attributes)
    case .weightStandardizationGradient(var attributes):
      attributes.factors = factors
      return .weightStandardizationGradient(attributes)
    default: return self
    }
  }

  /// nil for other operations.
  fileprivate var withoutFactors: Operation? {
    standardizationFactors.isEmpty ? nil : replacingFactors([])
  }
}
