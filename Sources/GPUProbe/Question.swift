import DeviceRuntime
package import OpenCLRuntime

package struct Question: Sendable {
  /// Its name for programs, `copy-bandwidth`.
  package let key: String
  let text: String
  /// Asks a device whose bench has no other user.
  let ask: @Sendable (Bench) throws -> Answer
  /// The reason why a device has no answer; nil if it has one.
  var obstacle: @Sendable (Device) -> String? = { _ in nil }

  /// In the order asked: what may break a driver comes last.
  package static let all: [Question] =
    deviceQuestions + ceilingQuestions + queueQuestions + compilerQuestions
    + tensorCoreQuestions

  func answer(from device: Device, effort: Effort) -> Answer {
    if let reason = obstacle(device) { return Answer(value: .notApplicable(reason)) }
    do {
      return try ask(Bench(device, effort: effort))
    } catch {
      return Answer(value: .failed("\(error)"))
    }
  }
}

extension Device {
  /// A name for files: vendor's words without their noise, `nvidia-h200`, `pocl-cpu`.
  package var fileName: String {
    if kind == .cpu {
      return platform.name == "Portable Computing Language"
        ? "pocl-cpu" : slug(platform.name) + "-cpu"
    }
    return slug(name)
  }
}

func slug(_ text: String) -> String {
  text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    .joined(separator: "-")
}
