import IsometryCPU
import IsometryGraph
import IsometryReference

/// The backend that a choice means on this machine.
struct DeviceSelection {
  let backend: any Backend
  /// One line: what was taken, and why where the choice left it open.
  let explanation: String

  init(_ choice: DeviceChoice, _ environment: ProgramEnvironment) throws {
    let reason: String?
    switch choice {
    case .auto: (backend, reason) = Self.automatic(environment)
    case .cpu: (backend, reason) = (CPUBackend(), nil)
    case .reference: (backend, reason) = (ReferenceBackend<Float>(), nil)
    }
    explanation =
      "\(backend.name): \(backend.deviceDescription)" + (reason.map { "; \($0)" } ?? "")
  }

  /// The CPU, with the reason.
  static func automatic(_ environment: ProgramEnvironment) -> (any Backend, String) {
    (CPUBackend(), "no GPU is used")
  }
}
