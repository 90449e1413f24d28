import IsometryCore
import TestSupport
import Testing

/// Records an issue for each result of the experiment that differs from the reference's in double
/// precision by more than its tolerance.
func expectAgreement(
  _ experiment: Experiment, on subject: BackendUnderTest, steps: Int = 1,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  for line in try experiment.disagreements(on: subject, steps: steps) {
    Issue.record(
      Comment(rawValue: "\(experiment.precision.rawValue) \(line)"), sourceLocation: sourceLocation)
  }
}
