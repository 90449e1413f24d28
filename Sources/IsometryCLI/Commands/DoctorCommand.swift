import ArgumentParser
import IsometryFiles

struct DoctorCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check what the program needs of this machine, and say what to do.",
    discussion: """
      Example:
        isometry doctor

      Checks the drivers of OpenCL and their devices, other programs, the images, free memory, \
      and the folders of runs and of compiled kernels. A line begins with ok, with ! if something \
      works with a restriction, or with ✗ if it does not work. The exit code is then 1.
      """)

  @OptionGroup var form: OutputArguments

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    var isWell = true
    for check in MachineCheck.all(environment) {
      let name = Wording.padded(check.subject, 9)
      let mark = check.state.ink.text(
        Wording.padded(check.state.mark, 2), on: console.textStream)
      console.say("\(mark) \(name) \(check.finding)")
      if let advice = check.advice { console.say("             \(advice)") }
      let advice: JSONValue = check.advice.map { .text($0) } ?? .null
      console.emit([
        "subject": .text(check.subject), "state": .text(check.state.rawValue),
        "finding": .text(check.finding), "advice": advice,
      ])
      isWell = isWell && check.state != .broken
    }
    if !isWell { throw ExitCode.failure }
  }
}
