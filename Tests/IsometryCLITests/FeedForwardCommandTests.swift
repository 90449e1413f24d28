import Foundation
import IsometryTheory
import Testing

@testable import IsometryCLI

@Suite struct FeedForwardCommandTests {
  private func object(_ arguments: String...) throws -> [String: Any] {
    let result = try withFolder { try Program.run(["theory"] + arguments + ["--json"], in: $0) }
    #expect(result.code == 0, "\(result.standardError)")
    return try #require(try result.objects().first)
  }

  @Test func feedForwardTellsTheLaw() throws {
    let law = try object(
      "feedforward", "--weights", "orthogonal", "--open-probability", "0.99", "--depth", "20",
      "--at", "0.1", "2")
    #expect(
      law.keys.sorted() == ["atom_at_top", "atom_at_zero", "lambda_max", "points", "variance"])
    #expect(abs((law["atom_at_top"] as? Double ?? 0) - 0.8) < 1e-12)
    let points = try #require(law["points"] as? [[String: Double]])
    #expect(points.allSatisfy { $0.keys.sorted() == ["density", "lambda", "survival"] })
    #expect(points[1]["survival"] == 0)
    let tanh = try object(
      "feedforward", "--weights", "gaussian", "--activation", "tanh", "--variance", "0.05",
      "--depth", "30")
    #expect(abs((tanh["variance"] as? Double ?? 0) - 30.3995946) < 1e-6)
  }

  /// λ down to 10⁻²⁹⁰ has a density that is a number, and below the survival function has its digits.
  @Test func tinyAndRareValuesKeepTheirDigits() throws {
    let law = try object(
      "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth", "1000")
    let points = try #require(law["points"] as? [[String: Any]])
    #expect(!points.isEmpty && points.allSatisfy { $0["density"] is Double })
    let top = try #require(law["lambda_max"] as? Double)
    let edge = try object(
      "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth", "10",
      "--at", "54.9")
    #expect(top > 54.9)
    let rare = try #require((edge["points"] as? [[String: Double]])?[0]["survival"])
    let other = try GaussianLaw(openProbability: OpenProbability(0.5), depth: 10)
    #expect(rare == other.survival(atLog: log(54.9)))
  }

  /// Also where all singular values are far below 1, or far above.
  @Test(arguments: ["0.5", "2"])
  func theLawIsDrawnWhereverItLies(slope: String) throws {
    try withFolder { folder in
      let result = try Program.run(
        [
          "theory", "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth",
          "100", "--chi", slope, "--plot", "\(folder)/law.svg",
        ], in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let data = try String(contentsOfFile: "\(folder)/law.csv", encoding: .utf8)
      #expect(data.split(separator: "\n").count > 100)
    }
  }

  @Test func atomsAtTheTopAreThoseAtTheLargestValue() throws {
    for (activation, q) in [("gelu", "1e4"), ("silu", "3000"), ("softplus", "1e4")] {
      let law = try object(
        "feedforward", "--weights", "orthogonal", "--activation", activation, "--variance", q,
        "--depth", "1")
      #expect(law["atom_at_top"] as? Double == 0)
    }
    let leaky = try object(
      "feedforward", "--weights", "orthogonal", "--activation", "leaky-relu", "--parameter", "-1",
      "--variance", "0.05", "--depth", "20")
    #expect(leaky["atom_at_top"] as? Double == 1)
    #expect(leaky["lambda_max"] as? Double == 1)
  }

  @Test func criticalTellsThePoint() throws {
    let point = try object("critical", "--activation", "tanh", "--variance", "0.05")
    #expect(
      point.keys.sorted() == ["relative_variance_per_layer", "sigma_b_squared", "sigma_w_squared"])
    #expect(abs((point["sigma_w_squared"] as? Double ?? 0) - 1.0936273140982375) < 1e-12)
    let level = try object(
      "critical", "--activation", "tanh", "--depth", "10", "--level", "0.1")
    #expect(abs((level["q"] as? Double ?? 0) - 0.04216619005466588) < 1e-10)
  }

  @Test func finiteWidthAndSimilarity() throws {
    let law = try object("finite-width", "--width", "10", "--depth", "3", "--at", "5")
    #expect(law.keys.sorted() == ["log_mean", "log_variance", "points"])
    let points = try #require(law["points"] as? [[String: Double]])
    #expect(points[0].keys.sorted() == ["cdf", "density", "t"])
    #expect(abs((points[0]["cdf"] ?? 0) - 0.5835754247436111) < 1e-12)
    let cosines = try object("similarity", "--depth", "20", "--cosine", "0")
    #expect(abs((cosines["cosine"] as? [Double] ?? [])[19] - 0.9484284791559848) < 1e-12)
    let blocks = try object(
      "similarity", "--depth", "10", "--cosine", "0", "--blocks", "he", "--skip-weight", "0")
    #expect(abs((blocks["cosine"] as? [Double] ?? [])[9] - 0.9484284791559848) < 1e-12)
  }

  @Test(arguments: [
    ["feedforward", "--weights", "gaussian", "--depth", "3"],
    ["feedforward", "--weights", "gaussian", "--open-probability", "1.5", "--depth", "3"],
    ["feedforward", "--weights", "gaussian", "--activation", "tanh", "--depth", "3"],
    ["critical", "--activation", "tanh"], ["finite-width", "--width", "0", "--depth", "3"],
    ["critical", "--activation", "tanh", "--variance", "-1"],
    ["critical", "--activation", "gelu", "--variance", "1e200"],
    [
      "feedforward", "--weights", "gaussian", "--activation", "tanh", "--variance", "1e100",
      "--depth", "10",
    ],
    [
      "signal", "--activation", "tanh", "--depth", "3", "--sigma-w", "1", "--skip-weight", "1e-160",
    ],
    ["finite-width", "--width", "1", "--depth", "3", "--at", "0"],
    ["finite-width", "--width", "5", "--depth", "3", "--at", "1", "-1"],
    [
      "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth", "3",
      "--at", "1e-310",
    ],
    [
      "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth", "1000",
      "--chi", "0.1",
    ],
    [
      "feedforward", "--weights", "gaussian", "--open-probability", "0.5", "--depth", "1000",
      "--chi", "10",
    ],
    ["similarity", "--depth", "3", "--cosine", "2"],
  ])
  func badArgumentsAreUsageErrors(_ arguments: [String]) throws {
    let result = try withFolder { try Program.run(["theory"] + arguments, in: $0) }
    #expect(result.code == 64)
    #expect(result.errorLines.count == 1)
  }

  @Test func impossibleWishesAreErrors() throws {
    let result = try withFolder {
      try Program.run(
        ["theory", "critical", "--activation", "softplus", "--variance", "1"], in: $0)
    }
    #expect(result.code == 1 && result.standardError.contains("softplus"))
  }
}
