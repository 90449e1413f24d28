import ArgumentParser
import IsometryCore
import IsometryFiles
import IsometryGraph

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "List the devices on which networks can be trained.",
    discussion: """
      Example:
        isometry devices

      A star marks the device that --device auto uses.
      """)

  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let listing = DeviceListing(try ProgramEnvironment())
    for device in listing.devices {
      let precisions = device.precisions.map(\.rawValue)
      console.say(
        "\(device.isAutomatic ? "*" : " ") \(Wording.padded(device.name, 10)) "
          + "\(Wording.padded(precisions.joined(separator: " "), 19)) \(device.description)"
          + (device.tunedTiles.map { "; \($0 == 0 ? "default" : "\($0) tuned") tiles" } ?? ""))
      console.emit([
        "device": .text(device.name),
        "description": .text(device.description),
        "precisions": .array(precisions.map { .text($0) }),
        "tuned_tiles": device.tunedTiles.map { .integer($0) } ?? .null,
        "auto": .bool(device.isAutomatic),
      ])
    }
    console.say(listing.explanation)
  }
}
