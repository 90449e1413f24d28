import ArgumentParser
import IsometryTraining

/// The options of a run that do not change the network's numbers: its end, its measurements and its saves.
struct RunArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End the run after the first epoch with this test accuracy, in percent.",
      valueName: "percent"))
  var untilAccuracy: Double?

  @Option(
    help: ArgumentHelp(
      "End the run after n epochs in a row without a better test accuracy. (default: never)",
      valueName: "n"))
  var patience: Int?

  @Option(
    help: ArgumentHelp(
      "Measure the Jacobian's singular values on a test image after every n steps.", valueName: "n")
  )
  var spectrumEvery: Int?

  @Option(
    help: ArgumentHelp("Keep a checkpoint of every n-th epoch. (default: 1)", valueName: "n"))
  var saveEvery: Int?

  @Option(
    help: ArgumentHelp(
      """
      Keep the newest n of those checkpoints. The latest and the best one are kept besides. \
      (default: \(RunFolder.defaultKept))
      """, valueName: "n"))
  var keep: Int?

  @Option(
    help: ArgumentHelp(
      "Also save within an epoch, this number of minutes after the last save. (default: never)",
      valueName: "minutes"))
  var saveMinutes: Double?

  @Option(
    help: ArgumentHelp(
      "Also save the run within an epoch, after every n steps. (default: never)", valueName: "n"))
  var saveSteps: Int?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Write events for TensorBoard to the run's folder: scalars, images, the graph and the settings.
      """)
  var tensorboard: Bool?

  @Option(
    help: ArgumentHelp(
      """
      Write norms and histograms of the parameters and their gradients for TensorBoard after every n \
      steps.
      """, valueName: "n"))
  var histogramsEvery: Int?

  func apply(to configuration: inout RunConfiguration) {
    if let tensorboard { configuration.tensorboard = tensorboard }
    if let histogramsEvery { configuration.histogramsEvery = histogramsEvery }
    if let untilAccuracy { configuration.untilAccuracy = untilAccuracy }
    if let patience { configuration.patience = patience }
    if let spectrumEvery { configuration.spectrumEvery = spectrumEvery }
    if let saveEvery { configuration.saveEvery = saveEvery }
    if let keep { configuration.keep = keep }
    if let saveMinutes { configuration.saveMinutes = saveMinutes }
    if let saveSteps { configuration.saveSteps = saveSteps }
  }
}
