import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryReference

/// Every device that `--device` can name on this machine.
struct DeviceListing {
  struct Entry {
    let name: String
    let description: String
    /// None where the device cannot be used, as the description says.
    let precisions: [DType]
    /// How many tiles of kernels are tuned; nil where there are none to tune.
    let tunedTiles: Int?
    /// Whether `--device auto` takes it.
    let isAutomatic: Bool
  }

  let devices: [Entry]
  /// What `--device auto` takes and why.
  let explanation: String

  init(_ environment: ProgramEnvironment) {
    let (automatic, reason) = DeviceSelection.automatic(environment)
    func entry(_ backend: any Backend) -> Entry {
      let precisions = [DType.float32, .bfloat16, .float16].filter { precision in
        (try? backend.requireSupport(for: precision)) != nil
      }
      return Entry(
        name: backend.name, description: backend.deviceDescription, precisions: precisions,
        tunedTiles: (backend as? any TunableBackend)?.tiles.tiles.count,
        isAutomatic: backend.name == automatic.name)
    }
    var devices: [Entry] = []
    if let openCL = try? OpenCLDevices(environment) {
      for number in openCL.numbers {
        do {
          devices.append(entry(try openCL.backend(number: number)))
        } catch {
          devices.append(
            Entry(
              name: "opencl:\(number)",
              description: "\(openCL.name(of: number)), which cannot be used: \(error)",
              precisions: [], tunedTiles: nil, isAutomatic: false))
        }
      }
    }
    self.devices = devices + [entry(CPUBackend()), entry(ReferenceBackend<Float>())]
    explanation = "--device auto takes \(automatic.name): \(reason)"
  }
}
