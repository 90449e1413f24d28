import ArgumentParser
import IsometryCPU
import IsometryCommunication
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryReference

struct DevicesCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "List the devices on which networks can be trained.",
    discussion: """
      Example:
        isometry devices

      A star marks the device that --device auto uses. Under mpirun or srun, the command also prints a \
      line for each rank.
      """)

  @OptionGroup(title: "Ranks") var ranks: RankArguments
  @OptionGroup var form: OutputArguments

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json, environment.group)
    try environment.ranks.whileOthersWait { try list(environment, console) }
    let group = environment.ranks
    let lines = group.gather("\(CPUBackend().deviceDescription); \(ProcessorShare.description)")
    guard group.size > 1 else { return }
    for (rank, line) in lines.enumerated() {
      let host = environment.group.host(ofRank: rank)
      console.say("rank \(rank) on \(host): cpu, \(line)")
      console.emit([
        "rank": .integer(rank), "host": .text(host), "device": .text("cpu"),
        "description": .text(line),
      ])
    }
  }

  private func list(_ environment: ProgramEnvironment, _ console: Console) throws {
    let (automatic, reason) = DeviceSelection.automatic(environment)
    let cuda = try? RuntimeDevices(.cuda, environment)
    let openCL = try? RuntimeDevices(.openCL, environment)
    for devices in [cuda, openCL].compactMap({ $0 }) {
      for number in devices.numbers {
        let address = devices.pciAddress(of: number)
        // A GPU that both drivers see is listed once, with both names.
        if devices.driver == .openCL, cuda?.number(at: address) != nil { continue }
        let other = devices.driver == .cuda ? openCL?.number(at: address) : nil
        let otherName = other.flatMap { openCL?.label(of: $0) }
        do {
          show(
            try devices.backend(number: number), otherName: otherName,
            canRoundToTF32: try devices.hasMatrixUnits(number), automatic, console)
        } catch {
          show(
            devices.label(of: number), otherName: otherName,
            "\(devices.name(of: number)), which cannot be used: \(errorText(of: error))",
            precisions: [], tunedTiles: nil, isAutomatic: false, console)
        }
      }
    }
    show(CPUBackend(), automatic, console)
    show(ReferenceBackend<Float>(), automatic, console)
    console.say("--device auto takes \(automatic.name): \(reason)")
    if automatic.name == "cpu" {
      console.say("isometry doctor checks the drivers, and says what to do")
    }
  }

  /// - Parameter canRoundToTF32: since a backend that supports tf32 is one that rounds fp32, the device
  ///   is asked.
  private func show(
    _ backend: any Backend, otherName: String? = nil, canRoundToTF32: Bool = false,
    _ automatic: any Backend,
    _ console: Console
  ) {
    let precisions = [Precision.fp32, .tf32, .bf16, .fp16].filter { precision in
      precision == .tf32 ? canRoundToTF32 : (try? backend.requireSupport(for: precision)) != nil
    }
    show(
      backend.name, otherName: otherName, backend.deviceDescription,
      precisions: precisions.map(\.rawValue),
      tunedTiles: (backend as? any TunableBackend)?.tiles.count,
      isAutomatic: backend.name == automatic.name, console)
  }

  /// - Parameters:
  ///   - otherName: the name that another driver has for the device.
  ///   - precisions: none if the device cannot be used, as the description says.
  ///   - tunedTiles: nil if the device has none to tune.
  private func show(
    _ name: String, otherName: String?, _ description: String, precisions: [String],
    tunedTiles: Int?,
    isAutomatic: Bool, _ console: Console
  ) {
    let mark = isAutomatic ? "*" : " "
    let columns =
      "\(Wording.padded(name, 10)) \(Wording.padded(precisions.joined(separator: " "), 19))"
    let also = otherName.map { "; also \($0)" } ?? ""
    let tiles = tunedTiles.map { "; \($0 == 0 ? "default" : "\($0) tuned") tiles" } ?? ""
    console.say("\(mark) \(columns) \(description)\(also)\(tiles)")
    let other: JSONValue = otherName.map { .text($0) } ?? .null
    let tileCount: JSONValue = tunedTiles.map { .integer($0) } ?? .null
    console.emit([
      "device": .text(name), "also": other, "description": .text(description),
      "precisions": .array(precisions.map { .text($0) }), "tuned_tiles": tileCount,
      "auto": .bool(isAutomatic),
    ])
  }
}
