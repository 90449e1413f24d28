public import ArgumentParser
import IsometryCore
public import IsometryData
public import IsometryGraph
public import IsometryNN
public import IsometrySpectra
public import IsometryTheory
public import IsometryTraining

// The values of options that are types of other modules.

extension CIFAR100.Labels: ExpressibleByArgument {}
extension DatasetDownload.Collection: ExpressibleByArgument {}
extension EvaluationViews: ExpressibleByArgument {}
extension NormalizationKind: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension Recomputation: ExpressibleByArgument {}
extension RunConfiguration.AugmentationName: ExpressibleByArgument {}
extension KernelFamily: ExpressibleByArgument {}
extension SkipKind: ExpressibleByArgument {}
extension WeightLaw: ExpressibleByArgument {}
extension RunConfiguration.ScheduleName: ExpressibleByArgument {}
extension RunConfiguration.DecayName: ExpressibleByArgument {}
extension RunConfiguration.OptimizerName: ExpressibleByArgument {}
extension JacobianSection.Start: ExpressibleByArgument {}
extension JacobianSection.End: ExpressibleByArgument {}
extension SpectrumMethod: ExpressibleByArgument {}

extension RunConfiguration {
  static let defaults = RunConfiguration()
}

struct TrainingPrecision: ExpressibleByArgument {
  /// nil for the one that the device computes fastest.
  let precision: Precision?

  static let automatic = "auto"
  static let allValueStrings =
    [automatic] + Precision.allCases.filter { $0 != .fp64 }.map(\.rawValue)

  init?(argument: String) {
    guard argument != Self.automatic else {
      precision = nil
      return
    }
    guard let precision = Precision(rawValue: argument), precision != .fp64 else { return nil }
    self.precision = precision
  }
}

/// Values with commas between them, as in `crop,flip`.
struct CommaList<Element: ExpressibleByArgument>: ExpressibleByArgument {
  let elements: [Element]

  static var allValueStrings: [String] { Element.allValueStrings }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    elements = parts.compactMap { Element(argument: String($0)) }
    guard elements.count == parts.count else { return nil }
  }
}
