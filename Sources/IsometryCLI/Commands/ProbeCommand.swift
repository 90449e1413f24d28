import ArgumentParser
import DeviceProbe
import Glibc
import OpenCLRuntime

/// `isometry-gpu-probe`: answers the questions about a device on which kernels depend.
@main
struct GPUProbe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isometry-gpu-probe",
    abstract:
      "Answer the questions about an OpenCL device on which kernels depend, and measure its limits.",
    discussion: """
      Example:
        isometry-gpu-probe --output docs/gpu

      Prints the answers. With --output, also writes them to DIR/NAME.txt and DIR/NAME.json.
      """)

  @Option(help: "Number of the device in --list. (default: the first GPU, else the first device)")
  var device: Int?

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

  @Flag(help: "Print the report as JSON.")
  var json = false

  func run() throws {
    try probe()
  }
}

extension GPUProbe {
  private func probe() throws {
    let devices = try Device.all()
    if list {
      for (number, device) in devices.enumerated() {
        print("\(number): \(device.name) (\(device.platform.name)), \(device.fileName)")
      }
      return
    }
    let device = try chosen(from: devices)
    var report = Report(name: name ?? device.fileName, facts: facts(of: device))
    if !json { print(report.heading, terminator: "") }
    for question in Question.all where only.map(question.key.contains) ?? true {
      let answer = question.answer(from: device, effort: effort)
      let entry = Report.Entry(key: question.key, question: question.text, answer: answer)
      report.entries.append(entry)
      // At once, into pipes and files too: a question that ends the process takes none with it.
      if !json { print(entry.text, terminator: "") }
      fflush(nil)
      if let output {
        try write(report.text, to: "\(output)/\(report.name).txt")
        try write(report.json, to: "\(output)/\(report.name).json")
      }
    }
    if json { print(report.json, terminator: "") }
  }

  private var effort: Effort { quick ? .quick : .full }

  private func chosen(from devices: [Device]) throws -> Device {
    if let number = device {
      guard devices.indices.contains(number) else {
        throw ValidationError("there is no device \(number): --list shows \(devices.count)")
      }
      return devices[number]
    }
    guard let device = devices.first(where: { $0.kind == .gpu }) ?? devices.first else {
      throw ValidationError("there is no OpenCL device: install a driver (docs/environment.md)")
    }
    return device
  }

  private func facts(of device: Device) -> [(name: String, value: String)] {
    let facts = [
      ("device", device.name), ("kind", device.kind.rawValue), ("vendor", device.vendor),
      ("platform", "\(device.platform.name), \(device.platform.version)"),
      ("driver", device.driverVersion), ("date", today()),
      ("timing", "shortest of \(effort.repeats), about \(fourDigits(effort.seconds)) s each"),
    ]
    return facts + (revision.map { [("commit", $0)] } ?? [])
  }

  private func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else {
      throw ValidationError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    guard fputs(text, file) >= 0 else {
      throw ValidationError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  /// The date in UTC, 2026-01-31.
  private func today() -> String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(twoDigits(parts.tm_mon + 1))-\(twoDigits(parts.tm_mday))"
  }
}
