import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryReference

/// The backend that a choice means on this machine.
struct DeviceSelection {
  let backend: any Backend
  /// One line: what was taken, and why where the choice left it open.
  let explanation: String

  /// - Parameter gemm: who computes matrix products on OpenCL devices.
  /// - Throws: `DeviceError`, and what the device's driver reports where it was asked for by name.
  init(_ choice: DeviceChoice, gemm: GemmArgument = .own, _ environment: ProgramEnvironment) throws
  {
    let chosen: any Backend
    let reason: String?
    switch choice {
    case .auto: (chosen, reason) = Self.automatic(gemm: gemm, environment)
    case .cpu: (chosen, reason) = (CPUBackend(), nil)
    case .reference: (chosen, reason) = (ReferenceBackend<Float>(), nil)
    case .openCL(let number):
      (chosen, reason) = (try OpenCLDevices(gemm: gemm, environment).backend(number: number), nil)
    }
    backend = environment.validates ? ValidatingBackend(chosen) : chosen
    explanation =
      "\(backend.name): \(backend.deviceDescription)" + (reason.map { "; \($0)" } ?? "")
    if usesOpenCL { environment.warnOfLostPrograms() }
  }

  /// Where initializers measure, whatever device the network runs on: one seed then gives the same
  /// weights on every device, to the last bit.
  static let measuring: any Backend = CPUBackend()

  private var usesOpenCL: Bool { backend.name.hasPrefix("opencl") }

  /// Why CLBlast would compute no matrix product; nil where it would.
  func reasonAgainstCLBlast(in precision: DType) -> String? {
    if !usesOpenCL { return "only OpenCL devices have a choice, not \(backend.name)" }
    if precision != .float32, precision != .float64 {
      return "it computes fp32 alone, and products in \(precision.rawValue) are the package's own"
    }
    return nil
  }

  /// A GPU that works, else the CPU; with the reason.
  static func automatic(
    gemm: GemmArgument = .own, _ environment: ProgramEnvironment
  ) -> (any Backend, String) {
    func cpu(_ reason: String) -> (any Backend, String) { (CPUBackend(), reason) }
    let devices: OpenCLDevices
    do {
      devices = try OpenCLDevices(gemm: gemm, environment)
    } catch {
      return cpu("OpenCL does not answer (\(error)), so no GPU")
    }
    guard let number = devices.firstGPU else {
      return cpu(
        devices.isEmpty
          ? "OpenCL finds no GPU" : "OpenCL finds processors only, which --device opencl would take"
      )
    }
    do {
      return (try devices.backend(number: number), "the first GPU that OpenCL finds")
    } catch {
      return cpu("the GPU opencl:\(number) cannot be used (\(error))")
    }
  }
}
