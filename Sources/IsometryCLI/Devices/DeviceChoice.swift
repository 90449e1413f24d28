import ArgumentParser

enum DeviceChoice: Equatable {
  /// A GPU through OpenCL if there is one, else the CPU.
  case auto
  case cpu
  case reference
  /// The device of that number in OpenCL's list; nil for the first GPU, else the first device.
  case openCL(number: Int?)

  static let allValueStrings = ["auto", "cpu", "reference", "opencl", "opencl:N"]

  /// The value of `--device` that means this choice.
  var spelling: String {
    switch self {
    case .auto: "auto"
    case .cpu: "cpu"
    case .reference: "reference"
    case .openCL(let number): number.map { "opencl:\($0)" } ?? "opencl"
    }
  }

  /// The recorded device of a run; `auto` if there is none.
  init(recorded name: String?) throws(UsageError) {
    guard let choice = name.map(Self.init(argument:)) ?? .auto else {
      throw UsageError("--device", recorded: name ?? "", known: Self.allValueStrings)
    }
    self = choice
  }
}

/// An OpenCL device, for the commands that need one.
struct OpenCLChoice: ExpressibleByArgument {
  /// As in `DeviceChoice.openCL`.
  let number: Int?

  static let allValueStrings = ["opencl", "opencl:N"]

  init?(argument: String) {
    guard case .openCL(let number) = DeviceChoice(argument: argument) else { return nil }
    self.number = number
  }
}

extension DeviceChoice: ExpressibleByArgument {
  init?(argument: String) {
    switch argument {
    case "auto": self = .auto
    case "cpu": self = .cpu
    case "reference": self = .reference
    case "opencl": self = .openCL(number: nil)
    default:
      let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "opencl", let number = Int(parts[1]), number >= 0 else {
        return nil
      }
      self = .openCL(number: number)
    }
  }
}
