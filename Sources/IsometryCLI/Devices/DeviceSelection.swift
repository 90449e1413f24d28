import IsometryCPU
import IsometryGraph
import IsometryReference

/// The backend that a choice means on this machine.
struct DeviceSelection {
  let backend: any Backend
  /// One line: what was taken, and why where the choice left it open.
  let explanation: String

  /// - Throws: `DeviceError`, and what the device's driver reports where it was asked for by name.
  init(_ choice: DeviceChoice, _ environment: ProgramEnvironment) throws {
    let reason: String?
    switch choice {
    case .auto: (backend, reason) = Self.automatic(environment)
    case .cpu: (backend, reason) = (CPUBackend(), nil)
    case .reference: (backend, reason) = (ReferenceBackend<Float>(), nil)
    case .openCL(let number):
      (backend, reason) = (try OpenCLDevices(environment).backend(number: number), nil)
    }
    explanation =
      "\(backend.name): \(backend.deviceDescription)" + (reason.map { "; \($0)" } ?? "")
  }

  /// A GPU that works, else the CPU; with the reason.
  static func automatic(_ environment: ProgramEnvironment) -> (any Backend, String) {
    func cpu(_ reason: String) -> (any Backend, String) { (CPUBackend(), reason) }
    let devices: OpenCLDevices
    do {
      devices = try OpenCLDevices(environment)
    } catch DeviceError.builtWithoutOpenCL {
      return cpu("built without OpenCL, so no GPU")
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
