import IsometryCore
import IsometryFiles
import IsometryNN
import IsometryTraining

extension Wording {
  /// "195 an epoch, 975 in all; 80 images of each epoch fill no batch and are left out"
  static func steps(of run: TrainingRun) -> String {
    let rest = run.imagesLeftOut
    return "\(count(run.stepsPerEpoch)) an epoch, \(count(run.stepCount)) in all"
      + (rest == 0
        ? ""
        : "; \(count(rest)) image\(rest == 1 ? "" : "s") of each epoch fill\(rest == 1 ? "s" : "") "
          + "no batch of \(count(run.configuration.batch)), and \(rest == 1 ? "is" : "are") left out")
  }

  /// The images of an evaluation.
  static func evaluated(isHeldOut: Bool) -> String { isHeldOut ? "held-out" : "test" }

  /// A measured network. `weights` is their origin. `inputs` is the number of inputs of the
  /// normalization's statistics; 0 if it has none, or those of a training.
  static func network(
    _ configuration: RunConfiguration, weights: String, statisticsOf inputs: Int
  ) -> String {
    "\(configuration.model), normalization \(configuration.normalization.rawValue)"
      + (inputs == 0 ? "" : " with the statistics of \(inputs) inputs")
      + ", \(weights), \(configuration.activationName), \(configuration.precision.rawValue)"
  }

  /// A text filled with spaces up to a width, on the right or, for numbers, on the left.
  static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - text.count))
    return left ? fill + text : text + fill
  }

  /// The cells of a table's line, each on the right of its column.
  static func row(_ cells: [String]) -> String {
    cells.map { padded($0, 14, left: true) }.joined()
  }
}
