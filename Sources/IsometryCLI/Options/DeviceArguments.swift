import ArgumentParser
import IsometryCore
import IsometryGraph
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

  /// The device for a run. Where it has no choice of who computes matrix products, the configuration
  /// forgets a choice that was recorded with another device.
  ///
  /// - Parameter recorded: the device that the run was recorded with, taken where no other is named.
  /// - Throws: `ConfigurationError` for a `--gemm` of this command line that has nothing to do, and for
  ///   recorded words that mean nothing; `UnsupportedPrecision`; `DeviceError`, and what the device's
  ///   driver reports.
  func select(
    for configuration: inout RunConfiguration, recorded: String? = nil,
    _ environment: ProgramEnvironment
  ) throws -> DeviceSelection {
    let gemm = try GemmArgument(recorded: configuration.gemm)
    let selection = try DeviceSelection(
      device ?? DeviceChoice(recorded: recorded), gemm: gemm, environment)
    if gemm == .clblast,
      let reason = selection.reasonAgainstCLBlast(in: configuration.precision)
    {
      if self.gemm != nil {
        throw ConfigurationError("--gemm", "clblast has nothing to do: \(reason)")
      }
      configuration.gemm = nil
    }
    try selection.backend.requireSupport(for: configuration.precision)
    return selection
  }
}

/// Who computes matrix products on OpenCL devices.
enum GemmArgument: String, CaseIterable, ExpressibleByArgument {
  case own
  case clblast

  /// What a run was recorded with; the package's own kernels where that is nothing.
  ///
  /// - Throws: `ConfigurationError` for a word that means none.
  init(recorded name: String?) throws(ConfigurationError) {
    guard let choice = name.map(Self.init(rawValue:)) ?? .own else {
      throw ConfigurationError(
        "--gemm",
        "was recorded as \(name ?? ""), which is none of "
          + "\(Self.allCases.map(\.rawValue).joined(separator: ", ")); name one of them")
    }
    self = choice
  }
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
