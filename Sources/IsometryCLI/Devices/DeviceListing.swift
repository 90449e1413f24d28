import IsometryCore
import IsometryGraph
import IsometryReference

/// Every device that `--device` can name on this machine.
struct DeviceListing {
  struct Entry {
    let name: String
    let description: String
    let precisions: [DType]
    /// Whether `--device auto` takes it.
    let isAutomatic: Bool
  }

  let devices: [Entry]
  /// What `--device auto` takes and why.
  let explanation: String

  init(_ environment: ProgramEnvironment) {
    devices = [Self.entry(ReferenceBackend<Float>(), isAutomatic: true)]
    explanation = "--device auto takes reference"
  }

  private static func entry(_ backend: any Backend, isAutomatic: Bool) -> Entry {
    let precisions = [DType.float32, .bfloat16, .float16].filter { precision in
      (try? backend.requireSupport(for: precision)) != nil
    }
    return Entry(
      name: backend.name, description: backend.deviceDescription, precisions: precisions,
      isAutomatic: isAutomatic)
  }
}
