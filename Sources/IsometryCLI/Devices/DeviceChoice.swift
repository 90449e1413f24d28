import ArgumentParser
import IsometryTraining

/// What `--device` says.
enum DeviceChoice: Equatable {
  /// A GPU through OpenCL where there is one, else the CPU.
  case auto
  case cpu
  case reference
  /// The device of that number in OpenCL's list; nil for the first GPU or, where there is none, the
  /// first device.
  case openCL(number: Int?)

  static let allValueStrings = ["auto", "cpu", "reference", "opencl", "opencl:N"]

  /// The device that a run was recorded with; `auto` where none was.
  ///
  /// - Throws: `ConfigurationError` for a word that means none.
  init(recorded name: String?) throws(ConfigurationError) {
    guard let name else {
      self = .auto
      return
    }
    guard let choice = Self(argument: name) else {
      throw ConfigurationError(
        "--device",
        "was recorded as \(name), which is none of \(Self.allValueStrings.joined(separator: ", ")); "
          + "name the device to take")
    }
    self = choice
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
