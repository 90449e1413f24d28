import Foundation
import Testing

/// The switches for those who write kernels: `ISOMETRY_KERNEL_DIR` and `ISOMETRY_VALIDATE`.
@Suite struct DebuggingTests {
  private static let hasOpenCL: Bool = {
    let listing = try? withFolder { try Program.run(["devices", "--json"], in: $0) }
    return listing?.standardOutput.contains("opencl:0") ?? false
  }()

  private static let kernels = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "kernels")

  private static let training = [
    "train", "--model", "mlp:1x8", "--epochs", "1", "--batch", "8", "--limit-train", "16",
    "--limit-test", "8", "--lr", "0.02", "--device",
  ]

  /// Trains on an OpenCL device with a copy of the kernels in which some text is another.
  private func train(
    replacing text: String, with other: String, validating: Bool
  ) throws -> Program {
    try withFolder { folder in
      let copy = URL(filePath: folder).appending(path: "kernels")
      try FileManager.default.copyItem(at: Self.kernels, to: copy)
      let file = copy.appending(path: "common/activation.cl")
      let source = try String(contentsOf: file, encoding: .utf8)
      #expect(source.contains(text))
      try source.replacingOccurrences(of: text, with: other)
        .write(to: file, atomically: true, encoding: .utf8)
      var environment = Program.openCLEnvironment
      environment["ISOMETRY_KERNEL_DIR"] = copy.path
      if validating { environment["ISOMETRY_VALIDATE"] = "1" }
      return try Program.run(Self.training + ["opencl:0"], in: folder, environment: environment)
    }
  }

  private static let rectifier = "return SELECT(x < SPREAD(0), SPREAD(0), x);"

  @Test(.enabled(if: hasOpenCL, "no OpenCL device on this machine"))
  func kernelsComeFromTheFolder() throws {
    let sound = try train(replacing: Self.rectifier, with: Self.rectifier, validating: false)
    #expect(sound.code == 0, "\(sound.standardError)")
    let broken = try train(replacing: Self.rectifier, with: "return y;", validating: false)
    // PoCL's compiler also speaks for itself.
    let report = broken.errorLines.filter { $0.hasPrefix("isometry: ") }
    #expect(broken.code == 1 && report.count == 1)
    #expect(report.first?.contains("common/activation.cl") == true, "\(broken.standardError)")
  }

  @Test(.enabled(if: hasOpenCL, "no OpenCL device on this machine"))
  func validationNamesTheWrongOperation() throws {
    let sound = try train(replacing: Self.rectifier, with: Self.rectifier, validating: true)
    #expect(sound.code == 0, "\(sound.standardError)")
    let wrong = "return SELECT(x < SPREAD(0), SPREAD(0), x * NUMBER(1.001));"
    let unseen = try train(replacing: Self.rectifier, with: wrong, validating: false)
    #expect(unseen.code == 0, "\(unseen.standardError)")
    let seen = try train(replacing: Self.rectifier, with: wrong, validating: true)
    #expect(seen.code == 1 && seen.errorLines.count == 1)
    #expect(
      seen.standardError.contains("opencl:0 computes batchNormalization"),
      "\(seen.standardError)")
  }

  /// The cache is a file's child, which nobody can make.
  @Test(
    .enabled(if: hasOpenCL, "no OpenCL device on this machine"),
    arguments: [("ISOMETRY_CACHE_DIR", "/dev/null/cache"), ("HOME", "")])
  func whereKernelsCannotBeKeptALineSaysSo(_ variable: String, _ value: String) throws {
    try withFolder { folder in
      var environment = Program.openCLEnvironment
      environment[variable] = value
      environment["POCL_CACHE_DIR"] = folder
      let result = try Program.run(
        Self.training + ["opencl:0"], in: folder, environment: environment)
      #expect(result.code == 0, "\(result.standardError)")
      let warnings = result.errorLines.filter { $0.contains("warning") }
      #expect(warnings.count == 1 && warnings[0].contains(value.isEmpty ? variable : value))
    }
  }

  @Test(.enabled(if: hasOpenCL, "no OpenCL device on this machine"))
  func whatCLBlastDoesNotComputeIsNotAskedOfIt() throws {
    let result = try withFolder {
      try Program.run(
        Self.training + ["opencl:0", "--gemm", "clblast", "--precision", "bf16"], in: $0)
    }
    #expect(result.code == 64 && result.errorLines.count == 1)
    #expect(result.standardError.contains("it computes fp32 alone"), "\(result.standardError)")
  }

  @Test(arguments: ["cpu", "reference"], ["sgd", "adam"])
  func anyDeviceIsValidated(device: String, optimizer: String) throws {
    try withFolder { folder in
      let result = try Program.run(
        Self.training + [device, "--optimizer", optimizer], in: folder,
        environment: ["ISOMETRY_VALIDATE": "1"])
      #expect(result.code == 0, "\(result.standardError)")
      #expect(
        (result.standardOutput + result.standardError).contains("checked against the reference"))
    }
  }

  @Test(.enabled(if: hasOpenCL, "no OpenCL device on this machine"))
  func tf32IsRecordedAndRestored() throws {
    func environment(_ units: String) -> [String: String] {
      Program.openCLEnvironment.merging(["ISOMETRY_MATRIX_UNITS": units]) { $1 }
    }
    let run =
      Self.training + [
        "opencl:0", "--precision", "tf32", "--schedule", "constant", "--output", "run",
      ]
    try withFolder { folder in
      let begun = try Program.run(run, in: folder, environment: environment("emulated"))
      #expect(begun.code == 0, "\(begun.standardError)")
      #expect(begun.standardOutput.contains("fp32 products in tf32"))
      let configuration = try String(contentsOfFile: "\(folder)/run/config.json", encoding: .utf8)
      #expect(configuration.contains(#""precision" : "tf32""#))
      let resume = ["train", "--resume", "run", "--epochs"]
      let resumed = try Program.run(
        resume + ["2"], in: folder, environment: environment("emulated"))
      #expect(resumed.code == 0 && resumed.standardOutput.contains("fp32 products in tf32"))
      let devices = try Program.run(
        ["devices"], in: folder, environment: environment("emulated"))
      #expect(devices.standardOutput.contains("fp32 products on portable kernels"))
      let refused = try Program.run(
        resume + ["3"], in: folder, environment: environment("off"))
      #expect(refused.code == 64 && refused.standardError.contains("another --device"))
    }
  }
}
