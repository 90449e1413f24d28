public import IsometryData
public import IsometryTraining

/// A run small enough for plain loops: 40 training images in batches of 8, so 5 steps an epoch.
public enum SmallRun {
  public static let train = SyntheticImages.make(.train, count: 40)
  public static let test = SyntheticImages.make(.test, count: 20)

  public static func configuration(
    _ change: (inout RunConfiguration) -> Void = { _ in }
  ) -> RunConfiguration {
    var configuration = RunConfiguration()
    configuration.model = "mlp:1x8"
    configuration.epochs = 3
    configuration.batch = 8
    configuration.learningRate = 0.02
    configuration.device = "reference"
    change(&configuration)
    return configuration
  }
}
