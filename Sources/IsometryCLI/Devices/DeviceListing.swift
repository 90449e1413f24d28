import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryReference

/// Every device that `--device` can name on this machine.
struct DeviceListing {
  struct Entry {
    let name: String
    let description: String
    /// None if the device cannot be used, as the description says.
    let precisions: [Precision]
    /// The number of tuned tiles; nil if the device has none to tune.
    let tunedTiles: Int?
    let isAutomatic: Bool
  }

  let devices: [Entry]
  /// The device of `--device auto`, with the reason.
  let explanation: String

  init(_ environment: ProgramEnvironment) {
    let (automatic, reason) = DeviceSelection.automatic(environment)
    // A backend that supports tf32 is one that rounds fp32, so the device is asked instead.
    func entry(_ backend: any Backend, canRoundToTF32: Bool = false) -> Entry {
      let precisions = [Precision.fp32, .tf32, .bf16, .fp16].filter { precision in
        precision == .tf32
          ? canRoundToTF32 : (try? backend.requireSupport(for: precision)) != nil
      }
      return Entry(
        name: backend.name, description: backend.deviceDescription, precisions: precisions,
        tunedTiles: (backend as? any TunableBackend)?.tiles.count,
        isAutomatic: backend.name == automatic.name)
    }
    var devices: [Entry] = []
    if let openCL = try? OpenCLDevices(environment) {
      for number in openCL.numbers {
        do {
          devices.append(
            entry(
              try openCL.backend(number: number),
              canRoundToTF32: try openCL.hasMatrixUnits(number)))
        } catch {
          devices.append(
            Entry(
              name: "opencl:\(number)",
              description:
                "\(openCL.name(of: number)), which cannot be used: \(errorText(of: error))",
              precisions: [], tunedTiles: nil, isAutomatic: false))
        }
      }
    }
    self.devices = devices + [entry(CPUBackend()), entry(ReferenceBackend<Float>())]
    explanation = "--device auto takes \(automatic.name): \(reason)"
  }
}
