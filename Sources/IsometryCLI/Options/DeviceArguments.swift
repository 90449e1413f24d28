import ArgumentParser
import IsometryCore
import IsometryTraining

/// The device.
struct DeviceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto prefers a GPU; N counts the OpenCL devices from 0. (default: auto)", valueName: "name"))
  var device: DeviceChoice?

  @Option(
    help: ArgumentHelp(
      "Who computes matrix products on OpenCL devices: the package's own kernels, or CLBlast where it "
        + "can. (default: own)"))
  var gemm: GemmArgument?

  func apply(to configuration: inout RunConfiguration) {
    if let gemm { configuration.gemm = gemm.rawValue }
  }
}

/// Who computes matrix products on OpenCL devices.
enum GemmArgument: String, CaseIterable, ExpressibleByArgument {
  case own
  case clblast
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
