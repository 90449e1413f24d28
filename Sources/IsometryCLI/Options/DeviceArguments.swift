import ArgumentParser
import IsometryCommunication
import IsometryCore
import IsometryGraph
import IsometryTraining

struct DeviceArguments: ParsableArguments {
  static let deviceHelp = ArgumentHelp(
    """
    The device. With auto, a GPU is preferred to the CPU, and CUDA to OpenCL. N is the number of a \
    device, from 0. (default: that of a resumed or evaluated run, else auto)
    """, valueName: "name")

  @Option(help: deviceHelp)
  var device: DeviceChoice?

  @Option(
    help: """
      The library for matrix products on OpenCL devices. With own, it is the package's kernels. \
      With clblast, it is CLBlast for products in fp32. (default: that of a resumed or evaluated \
      run, else own)
      """)
  var gemm: GemmArgument?

  func apply(to configuration: inout RunConfiguration) {
    if let gemm { configuration.gemm = gemm.rawValue }
  }

  /// The number of a GPU was that of rank 0.
  private func recordedChoice(
    _ recorded: String?, _ environment: ProgramEnvironment
  ) throws(UsageError) -> DeviceChoice {
    let choice = try DeviceChoice(recorded: recorded)
    if environment.ranks.size > 1, case .device(let driver, _) = choice {
      return .device(driver, number: nil)
    }
    return choice
  }

  /// The device for a run. If the device has no choice of the library for matrix products, a choice
  /// that was recorded with another device is removed from the configuration.
  ///
  /// - Parameters:
  ///   - recorded: the recorded device of the run, used if no other is named.
  ///   - choosingPrecision: whether the configuration gets the precision that the device computes fastest.
  func select(
    for configuration: inout RunConfiguration, recorded: String? = nil,
    choosingPrecision: Bool = false, _ environment: ProgramEnvironment
  ) throws -> DeviceSelection {
    let gemm = try GemmArgument(recorded: configuration.gemm)
    var selection = try DeviceSelection(
      device ?? recordedChoice(recorded, environment), gemm: gemm,
      precision: configuration.precision,
      environment)
    if choosingPrecision { configuration.precision = selection.choosePrecision() }
    if gemm == .clblast,
      let reason = selection.reasonAgainstCLBlast(in: configuration.precision)
    {
      if self.gemm != nil {
        throw UsageError("--gemm", "clblast has no effect: \(reason)")
      }
      configuration.gemm = nil
    }
    try selection.backend.requireSupport(for: configuration.precision)
    return selection
  }
}

enum GemmArgument: String, CaseIterable, ExpressibleByArgument {
  case own
  case clblast

  /// The recorded choice of a run; the package's own kernels if there is none.
  init(recorded name: String?) throws(UsageError) {
    guard let choice = name.map(Self.init(rawValue:)) ?? .own else {
      throw UsageError("--gemm", recorded: name ?? "", known: Self.allValueStrings)
    }
    self = choice
  }
}

struct PrecisionArguments: ParsableArguments {
  @Option(
    help: """
      The type of activations and gradients; parameters are kept in fp32. With tf32, everything is \
      in fp32, and matrix units round the operands of products to tf32. With auto, it is the type \
      that the device computes fastest, bf16 or fp32. (default: that of a resumed or evaluated run, \
      else that of the recipe, else \(RunConfiguration.defaults.precision.rawValue))
      """)
  var precision: TrainingPrecision?

  /// Whether the precision is the one that the device computes fastest.
  var isAutomatic: Bool { precision.map { $0.precision == nil } ?? false }

  func apply(to configuration: inout RunConfiguration) {
    if let precision = precision?.precision { configuration.precision = precision }
  }
}
