public import ArgumentParser
import IsometryCore
public import IsometryGraph
public import IsometryNN
public import IsometrySpectra
public import IsometryTheory
public import IsometryTraining

// The words of the command line for types of other modules.

extension NormalizationKind: ExpressibleByArgument {}
extension Recomputation: ExpressibleByArgument {}
extension SkipKind: ExpressibleByArgument {}
extension WeightLaw: ExpressibleByArgument {}
extension RunConfiguration.ScheduleName: ExpressibleByArgument {}
extension RunConfiguration.OptimizerName: ExpressibleByArgument {}
extension JacobianSection.Start: ExpressibleByArgument {}
extension JacobianSection.End: ExpressibleByArgument {}
extension SpectrumMethod: ExpressibleByArgument {}

/// The type that a network computes in.
struct PrecisionArgument: ExpressibleByArgument {
  let dtype: DType

  static let allValueStrings = [DType.float32, .bfloat16, .float16].map(\.rawValue)

  init?(argument: String) {
    guard Self.allValueStrings.contains(argument), let dtype = DType(rawValue: argument) else {
      return nil
    }
    self.dtype = dtype
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
