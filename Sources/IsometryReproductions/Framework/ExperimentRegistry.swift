package enum ExperimentRegistry {
  /// In the order of lists.
  package static let types: [any Experiment.Type] = [
    UniversalSpectra.self,
    UniversalLearning.self,
    SigmoidResurrected.self,
    FiniteWidth.self,
    RisottoTable.self,
    DepthLimit.self,
    WithoutNormalization.self,
  ]

  package static var names: [String] { types.map { $0.name } }

  package static func type(named name: String) throws(ReproductionError) -> any Experiment.Type {
    guard let type = types.first(where: { $0.name == name }) else {
      throw .unknownExperiment(name, known: names)
    }
    return type
  }
}
