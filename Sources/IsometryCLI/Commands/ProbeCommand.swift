import ArgumentParser
import DeviceRuntime
import GPUProbe
import IsometryFiles
import OpenCLRuntime

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Measure the limits of an OpenCL device, and test what its compiler can do.",
    discussion: """
      Examples:
        isometry probe --list
        isometry probe --device opencl:1 --quick
        isometry probe --output docs/gpu

      With --output, the answers are also written to DIR/NAME.txt and DIR/NAME.json.
      """)

  @Option(
    help: ArgumentHelp(
      "A device of --list. (default: the first GPU, else the first device)", valueName: "name"))
  var device: OpenCLChoice?

  @Option(help: ArgumentHelp("Folder for the report.", valueName: "dir"))
  var output: String?

  @Option(help: ArgumentHelp("Name of the device in the report.", valueName: "name"))
  var name: String?

  @Option(help: ArgumentHelp("Commit of the program, for the report.", valueName: "text"))
  var revision: String?

  @Option(
    help: ArgumentHelp("Ask only questions whose key contains this text.", valueName: "text"))
  var only: String?

  @Flag(help: "Use small buffers and short timings.")
  var quick = false

  @Flag(help: "List the devices and exit.")
  var list = false

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(output, "--output")
    try checkPath(name, "--name")
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let devices = try Device.all()
    if list {
      for (number, device) in devices.enumerated() {
        console.say("opencl:\(number)  \(device.name), \(device.platform.name), \(device.fileName)")
        console.emit([
          "number": .integer(number), "device": .text(device.name),
          "platform": .text(device.platform.name), "name": .text(device.fileName),
        ])
      }
      return
    }
    let device = try chosen(from: devices)
    let effort: Effort = quick ? .quick : .full
    var report = ProbeReport(on: device, name: name, effort: effort, revision: revision)
    if let output { _ = try MadeFolders(for: output) }
    console.say(String(report.heading.dropLast()))
    for question in Question.all where only.map(question.key.contains) ?? true {
      let entry = report.ask(question, of: device, effort: effort)
      // A question that ends the process takes no earlier answer with it.
      console.say(String(entry.text.dropLast()))
      if let output {
        try WholeFile.write([Array(report.text.utf8)], to: "\(output)/\(report.name).txt")
        try WholeFile.write(
          [Array("\(report.json.indented)\n".utf8)], to: "\(output)/\(report.name).json")
      }
    }
    console.emit(report.json)
  }

  private func chosen(from devices: [Device]) throws -> Device {
    guard !devices.isEmpty else {
      throw ValidationError("there is no OpenCL device: install a driver with its ICD file")
    }
    let number = device?.number ?? devices.firstIndex { $0.kind == .gpu } ?? 0
    guard devices.indices.contains(number) else {
      throw DeviceError.noSuchDevice(.openCL, number: number, count: devices.count)
    }
    return devices[number]
  }
}
