import IsometryData
import IsometryTraining

/// A training small enough for plain loops: 40 images in batches of 8.
enum SmallRun {
  static let train = SyntheticImages.make(.train, count: 40)

  static func configuration(
    _ change: (inout RunConfiguration) -> Void = { _ in }
  ) -> RunConfiguration {
    var configuration = RunConfiguration()
    configuration.model = "mlp:1x8"
    configuration.batch = 8
    configuration.learningRate = 0.02
    configuration.device = "reference"
    change(&configuration)
    return configuration
  }
}
