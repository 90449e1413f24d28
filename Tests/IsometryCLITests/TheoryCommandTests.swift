import Foundation
import Testing

@testable import IsometryCLI

@Suite struct TheoryCommandTests {
  private func object(_ arguments: String...) throws -> [String: Any] {
    let result = try withFolder { try Program.run(arguments + ["--json"], in: $0) }
    #expect(result.code == 0, "\(result.standardError)")
    return try #require(try result.objects().first)
  }

  private func expect(_ value: Any?, _ expected: Double, within tolerance: Double) throws {
    let number = try #require(value as? Double)
    #expect(abs(number - expected) <= tolerance)
  }

  @Test func residualTellsTheLaw() throws {
    let law = try object("theory", "residual", "--c", "0.5", "--at", "1.3", "0", "100")
    #expect(law.keys.sorted() == ["lambda_max", "lambda_min", "log_variance", "moments", "points"])
    try expect(law["lambda_max"], 8.008132908727239, within: 8e-9)
    try expect((law["moments"] as? [Double])?[2], 24.649289886859354, within: 2e-8)
    let points = try #require(law["points"] as? [[String: Double]])
    #expect(points.map { $0["lambda"] } == [1.3, 0, 100])
    #expect(points.allSatisfy { $0.keys.sorted() == ["cdf", "density", "lambda"] })
    try expect(points[0]["density"], 0.2332470946952492, within: 1e-8)
    #expect(points[1]["density"] == 0 && points[1]["cdf"] == 0)
    #expect(points[2]["density"] == 0 && points[2]["cdf"] == 1)
    let shifted = try object(
      "theory", "residual", "--c", "0.5", "--skip-weight", "0.9", "--depth", "4")
    #expect((shifted["points"] as? [Any])?.isEmpty == false)
  }

  @Test func signalTellsEveryBlock() throws {
    let signal = try object(
      "theory", "signal", "--activation", "gelu", "--depth", "20", "--sigma-w", "1.5",
      "--skip-weight", "0.98", "--mean", "0.3", "--mean-square", "2")
    #expect(signal.keys.sorted() == ["c", "layers"])
    try expect(signal["c"], 0.9092576570869695, within: 1e-8)
    let layers = try #require(signal["layers"] as? [[String: Double]])
    #expect(layers.count == 20)
    #expect(layers.allSatisfy { $0.keys.sorted() == ["c", "mean", "mean_square", "variance"] })
    try expect(layers[19]["mean_square"], 10.016585150321, within: 1e-7)
  }

  @Test func activationTellsItsMoments() throws {
    let moments = try object(
      "theory", "activation", "--activation", "elu", "--parameter", "1", "--variance", "1")
    #expect(moments.keys.sorted() == ["mean", "mean_square", "slope_fourth", "slope_square"])
    try expect(moments["mean_square"], 0.644945417492924, within: 1e-10)
  }

  @Test func calibrateTellsTheScale() throws {
    let scale = try object("calibrate", "--activation", "tanh", "--depth", "20", "--c", "0.5")
    #expect(scale.keys.sorted() == ["entry_standard_deviation_times_sqrt_width", "sigma_w"])
    try expect(scale["sigma_w"], 0.7296730733600759, within: 1e-7)
    try expect(
      scale["entry_standard_deviation_times_sqrt_width"],
      0.7296730733600759 / 20.0.squareRoot(), within: 1e-7)
    let padded = try object(
      "calibrate", "--activation", "relu", "--depth", "20", "--c", "0.5", "--kernel", "3",
      "--image", "6,6", "--first-variance", "2")
    try expect(padded["sigma_w"], 0.5.squareRoot() / 0.7901234567901234, within: 1e-10)
  }

  @Test(arguments: [
    ["theory", "residual", "--c", "0.5"], ["theory", "residual", "--c", "0"],
    ["theory", "residual", "--c", "20"],
    ["theory", "signal", "--activation", "relu", "--depth", "3", "--sigma-w", "1"],
    ["theory", "activation", "--activation", "tanh", "--variance", "1"],
    ["calibrate", "--activation", "relu", "--depth", "3", "--c", "1"],
  ])
  func everyCommandDraws(_ arguments: [String]) throws {
    try withFolder { folder in
      for name in ["a.svg", "b.png"] {
        let result = try Program.run(
          arguments + ["--plot", name], in: folder,
          environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"])
        // A machine without gnuplot says so, and writes the numbers.
        guard result.code == 0 else {
          #expect(result.code == 1 && result.standardError.contains("install it"))
          continue
        }
        let picture = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        #expect(name.hasSuffix("svg") ? picture.starts(with: Data("<?xml".utf8)) : picture[1] == 80)
      }
      let table = try String(contentsOfFile: "\(folder)/a.csv", encoding: .utf8)
      #expect(table.hasPrefix("series,") && table.split(separator: "\n").count > 1)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.allSatisfy { !$0.contains(".part") })
    }
  }

  @Test func withoutGnuplotTheNumbersAreWritten() throws {
    try withFolder { folder in
      let result = try Program.run(
        "theory", "residual", "--c", "0.5", "--plot", "a.svg", in: folder,
        environment: ["PATH": "/nowhere"])
      #expect(result.code == 1 && result.errorLines.count == 1)
      #expect(result.standardError.contains("install it"))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/a.csv"))
    }
  }

  /// Arguments, and what the one line of the error says.
  static let wrong: [(arguments: [String], says: String)] = [
    (["theory", "residual"], "--c"),
    (["theory", "residual", "--c", "-1"], "c is -1"),
    (["theory", "residual", "--c", "nan"], "c is nan"),
    (["theory", "residual", "--c", "0.5", "--skip-weight", "0.9"], "--depth"),
    (["theory", "residual", "--c", "0.5", "--at", "x"], "--at"),
    (["theory", "residual", "--c", "0.5", "--plot", "a.pdf"], ".svg or .png"),
    (["theory", "residual", "--c", "0.5", "--plot", ".svg"], ".svg or .png"),
    (["theory", "residual", "--c", "0.5", "--plot", "nowhere/a.svg"], "nowhere"),
    (["theory", "residual", "--c", "0.5", "--at", "inf"], "finite"),
    (["theory", "residual", "--c", "0.5", "--at", "0.5", "nan"], "finite"),
    (["theory", "residual", "--c", "0.5", "--at", "0.5", "-1"], "λ is -1, but must be 0 or above"),
    (["theory", "residual", "--c", "300"], "c is 300, but must be smaller"),
    (["theory", "activation", "--activation", "step", "--variance", "1"], "leaky-relu"),
    (["theory", "activation", "--activation", "relu", "--variance", "0"], "variance"),
    (
      ["theory", "activation", "--activation", "relu", "--parameter", "1", "--variance", "1"],
      "--parameter"
    ),
    (["theory", "signal", "--activation", "relu", "--depth", "0", "--sigma-w", "1"], "depth"),
    (["theory", "signal", "--activation", "relu", "--depth", "2", "--sigma-w", "-1"], "σ_w"),
    (["calibrate", "--activation", "relu", "--depth", "2", "--c", "0"], "c is 0"),
    (
      ["calibrate", "--activation", "relu", "--depth", "2", "--c", "1", "--kernel", "3"], "--image"
    ),
    (
      [
        "calibrate", "--activation", "relu", "--depth", "2", "--c", "1", "--kernel", "3", "--image",
        "6",
      ], "--image"
    ),
  ]

  @Test(arguments: wrong.indices)
  func wrongUsageEndsWith64AndOneLine(_ index: Int) throws {
    let (arguments, says) = Self.wrong[index]
    let result = try withFolder { try Program.run(arguments, in: $0) }
    #expect(result.code == 64, "\(arguments)")
    #expect(result.standardOutput.isEmpty && result.errorLines.count == 1)
    #expect(result.standardError.contains(says), "\(result.standardError)")
  }

  @Test(arguments: [
    ["theory"], ["theory", "residual"], ["theory", "signal"], ["theory", "activation"],
    ["calibrate"],
  ])
  func helpHasAnExample(_ command: [String]) throws {
    let result = try withFolder { try Program.run(command + ["--help"], in: $0) }
    #expect(result.code == 0 && result.standardOutput.contains("Example"))
  }
}
