import ArgumentParser
import IsometryCore
import IsometryTraining

/// The device.
struct DeviceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(DeviceChoice.spellings.joined(separator: ", ")); auto prefers a GPU. (default: auto)",
      valueName: "name"))
  var device: DeviceChoice?
}

/// The type that the network computes in.
struct PrecisionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The type of activations and gradients; parameters are kept in fp32. (default: fp32)"))
  var precision: PrecisionArgument?

  func apply(to configuration: inout RunConfiguration) {
    if let precision { configuration.precision = precision.dtype }
  }
}
