import ArgumentParser

/// What `--device` says.
enum DeviceChoice: Equatable, CustomStringConvertible {
  /// A GPU through OpenCL where there is one, else the CPU.
  case auto
  case reference

  static let spellings = ["auto", "reference"]

  var description: String {
    switch self {
    case .auto: "auto"
    case .reference: "reference"
    }
  }

  /// The device that a run was recorded with; `auto` where none was.
  init(recorded name: String?) {
    self = name.flatMap(Self.init(argument:)) ?? .auto
  }
}

extension DeviceChoice: ExpressibleByArgument {
  init?(argument: String) {
    switch argument {
    case "auto": self = .auto
    case "reference": self = .reference
    default: return nil
    }
  }
}
