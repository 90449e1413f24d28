import ArgumentParser
import DeviceProbe
import Glibc
import OpenCLRuntime

/// `isometry-gpu-probe`: answers, on the device at hand, the questions on which kernels depend.
@main
struct GPUProbe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isometry-gpu-probe",
    abstract: "Asks an OpenCL device what kernels need to know, and measures its ceilings.",
    discussion: """
      Prints the answers and, with --output, writes DIR/NAME.txt and DIR/NAME.json.
      Example: isometry-gpu-probe --output docs/gpu
      """)

  @Option(help: "The device's number in --list; without it the first GPU, else the first device.")
  var device: Int?

  @Option(help: ArgumentHelp("Where to write the report.", valueName: "dir"))
  var output: String?

  @Option(help: ArgumentHelp("What the report calls the device.", valueName: "name"))
  var name: String?

  @Option(help: ArgumentHelp("The commit that the program was built from.", valueName: "text"))
  var revision: String?

  @Option(
    help: ArgumentHelp("Asks only questions whose key contains this text.", valueName: "text"))
  var only: String?

  @Flag(help: "Small buffers and short timings: a first look.")
  var quick = false

  @Flag(help: "Lists the devices.")
  var list = false

  @Flag(help: "Prints the report as JSON.")
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
        throw ValidationError("no device \(number): --list shows \(devices.count)")
      }
      return devices[number]
    }
    guard let device = devices.first(where: { $0.kind == .gpu }) ?? devices.first else {
      throw ValidationError("no OpenCL device: install a driver (docs/environment.md)")
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
