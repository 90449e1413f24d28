import ArgumentParser

/// What `--device` says.
enum DeviceChoice: Equatable {
  /// The CPU.
  case auto
  case cpu
  case reference

  static let spellings = ["auto", "cpu", "reference"]

  /// The device that a run was recorded with; `auto` where none was.
  init(recorded name: String?) {
    self = name.flatMap(Self.init(argument:)) ?? .auto
  }
}

extension DeviceChoice: ExpressibleByArgument {
  init?(argument: String) {
    switch argument {
    case "auto": self = .auto
    case "cpu": self = .cpu
    case "reference": self = .reference
    default: return nil
    }
  }
}
