import IsometryCPU
import IsometryCommunication
import IsometryCore
import IsometryGraph
import IsometryOpenCL
import IsometryReference

struct DeviceSelection {
  let backend: any Backend
  /// One line: the device and the precision, and the reasons for them if the choices were `auto`.
  private(set) var explanation: String

  /// - Throws: `DeviceError`, and the errors of the driver of a device that was chosen by name.
  init(
    _ choice: DeviceChoice, gemm: GemmArgument = .own, precision: Precision = .fp32,
    _ environment: ProgramEnvironment
  ) throws {
    let chosen: any Backend
    let reason: String?
    try Self.requireRanks(for: choice, environment)
    switch choice {
    case .auto: (chosen, reason) = Self.automatic(gemm: gemm, precision: precision, environment)
    case .cpu: (chosen, reason) = (CPUBackend(ranks: environment.ranks), nil)
    case .reference: (chosen, reason) = (ReferenceBackend<Float>(), nil)
    case .device(let driver, let number):
      let devices = try RuntimeDevices(driver, gemm: gemm, precision: precision, environment)
      (chosen, reason) = (try devices.backend(number: number), nil)
    }
    backend = environment.validates ? ValidatingBackend(chosen) : chosen
    explanation =
      "\(backend.name): \(backend.deviceDescription)" + (reason.map { "; \($0)" } ?? "")
    guard environment.ranks.areEqual(chosen is OpenCLBackend ? 1 : 0) else {
      throw UsageError(
        "--device",
        "auto finds a GPU for some of the \(environment.ranks.size) ranks; start fewer, or name cpu"
      )
    }
    if chosen is OpenCLBackend { environment.warnOfLostPrograms() }
  }

  /// The precision that the device computes fastest, which `explanation` then names with its reason.
  mutating func choosePrecision() -> Precision {
    let advice = backend.fastestPrecision
    explanation += "; \(advice.precision.rawValue): \(advice.reason)"
    return advice.precision
  }

  /// The backend for initializers that measure. It does not depend on the device of the network, so
  /// one seed gives the same bits on every device.
  static let measuring: any Backend = CPUBackend()

  /// Throws if a device does not sum over the ranks that the launcher started.
  private static func requireRanks(
    for choice: DeviceChoice, _ environment: ProgramEnvironment
  ) throws(UsageError) {
    guard environment.ranks.size > 1 else { return }
    switch choice {
    case .auto, .cpu, .device: break
    case .reference:
      throw UsageError(
        "--device",
        "reference trains in one process, not on \(environment.ranks.size) ranks; use another")
    }
    if environment.validates {
      throw UsageError("ISOMETRY_VALIDATE", "checks one process alone; start one, or unset it")
    }
  }

  private var usesOpenCL: Bool { backend.name.hasPrefix("opencl") }

  /// The reason that CLBlast would compute no matrix product; nil if it would.
  func reasonAgainstCLBlast(in precision: Precision) -> String? {
    if !usesOpenCL { return "only OpenCL devices have a choice, not \(backend.name)" }
    if precision != .fp32, precision != .fp64 {
      return
        "it computes fp32 alone, and the package's own kernels compute products in \(precision.rawValue)"
    }
    return nil
  }

  /// A GPU that works, else the CPU; with the reason.
  static func automatic(
    gemm: GemmArgument = .own, precision: Precision = .fp32, _ environment: ProgramEnvironment
  ) -> (any Backend, String) {
    func cpu(_ reason: String) -> (any Backend, String) {
      (CPUBackend(ranks: environment.ranks), reason)
    }
    var reasonAgainstCUDA = "CUDA finds no GPU"
    do {
      let devices = try RuntimeDevices(.cuda, precision: precision, environment)
      // CLBlast needs OpenCL.
      if gemm == .own, !devices.isEmpty {
        return (try devices.backend(number: nil), "the first GPU that CUDA finds")
      }
      if gemm != .own { reasonAgainstCUDA = "CLBlast needs OpenCL" }
    } catch {
      reasonAgainstCUDA = errorText(of: error)
    }
    let devices: RuntimeDevices
    do {
      devices = try RuntimeDevices(.openCL, gemm: gemm, precision: precision, environment)
    } catch {
      return cpu("OpenCL does not answer (\(errorText(of: error))), so there is no GPU")
    }
    guard let number = devices.firstGPU else {
      return cpu(
        devices.isEmpty
          ? "OpenCL finds no GPU"
          : "OpenCL finds no GPU, only processors, which --device opencl would use"
      )
    }
    do {
      return (
        try devices.backend(number: nil),
        "the first GPU that OpenCL finds"
          + (devices.isNVIDIAs(number) ? ", not through CUDA: \(reasonAgainstCUDA)" : "")
      )
    } catch {
      return cpu("the GPU opencl:\(number) cannot be used (\(errorText(of: error)))")
    }
  }
}
