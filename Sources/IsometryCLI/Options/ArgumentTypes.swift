public import ArgumentParser
public import IsometryCore
public import IsometryGraph
public import IsometryNN
public import IsometrySpectra
public import IsometryTheory
public import IsometryTraining

// The values of options that are types of other modules.

extension NormalizationKind: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension Recomputation: ExpressibleByArgument {}
extension SkipKind: ExpressibleByArgument {}
extension WeightLaw: ExpressibleByArgument {}
extension RunConfiguration.ScheduleName: ExpressibleByArgument {}
extension RunConfiguration.OptimizerName: ExpressibleByArgument {}
extension JacobianSection.Start: ExpressibleByArgument {}
extension JacobianSection.End: ExpressibleByArgument {}
extension SpectrumMethod: ExpressibleByArgument {}

extension RunConfiguration {
  /// The defaults, for help texts.
  static let defaults = RunConfiguration()
}

/// A precision in which networks are trained.
struct TrainingPrecision: ExpressibleByArgument {
  let precision: Precision

  static let allValueStrings = Precision.allCases.filter { $0 != .fp64 }.map(\.rawValue)

  init?(argument: String) {
    guard let precision = Precision(rawValue: argument), precision != .fp64 else { return nil }
    self.precision = precision
  }
}

/// `crop,flip,cutout`
struct AugmentationArgument: ExpressibleByArgument {
  let names: [RunConfiguration.AugmentationName]

  static let allValueStrings = RunConfiguration.AugmentationName.allCases.map(\.rawValue)

  init?(argument: String) {
    var names: [RunConfiguration.AugmentationName] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let name = RunConfiguration.AugmentationName(rawValue: String(part)) else { return nil }
      if !names.contains(name) { names.append(name) }
    }
    self.names = names
  }
}

/// Numbers with commas between them.
struct NumberList: ExpressibleByArgument {
  let numbers: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }
    guard numbers.count == parts.count else { return nil }
    self.numbers = numbers
  }
}
