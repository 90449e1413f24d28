import ArgumentParser

enum DeviceChoice: Equatable {
  /// A GPU through CUDA or OpenCL if there is one, else the CPU.
  case auto
  case cpu
  case reference
  /// The device of that number in a driver's list; nil for the first GPU, else the first device.
  case device(DeviceDriver, number: Int?)

  static let allValueStrings = [
    "auto", "cpu", "reference", "cuda", "cuda:N", "opencl", "opencl:N",
  ]

  /// The value of `--device` that means this choice.
  var spelling: String {
    switch self {
    case .auto: "auto"
    case .cpu: "cpu"
    case .reference: "reference"
    case .device(let driver, let number):
      number.map { "\(driver.rawValue):\($0)" } ?? driver.rawValue
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
  /// As in `DeviceChoice.device`.
  let number: Int?

  static let allValueStrings = ["opencl", "opencl:N"]

  init?(argument: String) {
    guard case .device(.openCL, let number) = DeviceChoice(argument: argument) else { return nil }
    self.number = number
  }
}

/// A device of CUDA or OpenCL, for the commands that need one.
struct RuntimeChoice: ExpressibleByArgument {
  let driver: DeviceDriver
  /// As in `DeviceChoice.device`.
  let number: Int?

  static let allValueStrings = ["cuda", "cuda:N", "opencl", "opencl:N"]

  init?(argument: String) {
    guard case .device(let driver, let number) = DeviceChoice(argument: argument) else {
      return nil
    }
    self.driver = driver
    self.number = number
  }
}

extension DeviceChoice: ExpressibleByArgument {
  init?(argument: String) {
    switch argument {
    case "auto": self = .auto
    case "cpu": self = .cpu
    case "reference": self = .reference
    default:
      let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
      guard let driver = DeviceDriver(rawValue: String(parts[0])) else { return nil }
      if parts.count == 1 {
        self = .device(driver, number: nil)
        return
      }
      guard parts.count == 2, let number = Int(parts[1]), number >= 0 else { return nil }
      self = .device(driver, number: number)
    }
  }
}
