import Foundation
import Testing

@Suite struct SpectrumCommandTests {
  private static let keys = [
    "condition", "count", "ks_distance", "log_lambda_mean", "log_lambda_variance", "mean_square",
    "predicted", "sigma_max", "sigma_min", "zero_fraction",
  ]

  private func spectrum(_ arguments: String...) throws -> [String: Any] {
    let result = try withFolder { try Program.run(["spectrum", "--json"] + arguments, in: $0) }
    #expect(result.code == 0, "\(result.standardError)")
    let objects = try result.objects()
    #expect(objects.count == 1)
    let object = try #require(objects.first)
    #expect(object.keys.sorted() == Self.keys)
    return object
  }

  @Test func theKeysAreThoseOfTheManual() throws {
    let object = try spectrum(
      "--model", "resmlp:3x16", "--activation", "tanh", "--device", "reference", "--inputs", "2",
      "--seeds", "2")
    #expect(object["count"] as? Int == 16)
    #expect(object["zero_fraction"] as? Double == 0)
    let smallest = try #require(object["sigma_min"] as? Double)
    let largest = try #require(object["sigma_max"] as? Double)
    let condition = try #require(object["condition"] as? Double)
    #expect(abs(condition / (largest / smallest) - 1) < 1e-12)
  }

  /// Two strides keep a sixteenth of the pixels, and there every singular value is 1.
  @Test func risottoIsAnIsometryOnWhatItsStridesRead() throws {
    let object = try spectrum("--model", "resnet20", "--init", "risotto", "--device", "cpu")
    #expect(object["count"] as? Int == 3072)
    let zeroFraction: Double = 1 - 1 / 16
    #expect(object["zero_fraction"] as? Double == zeroFraction)
    #expect(abs(try #require(object["condition"] as? Double) - 1) < 1e-4)
    let predicted = try #require(object["predicted"] as? [String: Any])
    #expect(predicted["law"] as? String == "isometry")
    #expect(try #require(object["ks_distance"] as? Double) < 1e-9)
  }

  @Test func withoutALawThereIsAReason() throws {
    let object = try spectrum(
      "--model", "mlp:2x8", "--init", "he", "--to", "logits", "--device", "reference",
      "--precision", "fp64")
    #expect(object["ks_distance"] is NSNull)
    let predicted = try #require(object["predicted"] as? [String: Any])
    #expect(predicted["law"] is NSNull)
    #expect(try #require(predicted["reason"] as? String).contains("--to features"))
  }

  @Test func thePlotHasTheNumbersBesideIt() throws {
    try withFolder { folder in
      let result = try Program.run(
        "spectrum", "--model", "resmlp:4x24", "--init", "universal:c=0.5", "--device", "reference",
        "--plot", "spectrum.svg", in: folder)
      #expect(result.code == 0 || result.standardError.contains("gnuplot"))
      let text = try String(contentsOfFile: "\(folder)/spectrum.csv", encoding: .utf8)
      let lines = text.split(separator: "\n")
      #expect(lines[0] == "series,log_lambda,density")
      #expect(lines.contains { $0.hasPrefix("measured,") })
      #expect(lines.contains { $0.hasPrefix("universal law,") })
    }
  }

  @Test func lanczosStandsForManySingularValues() throws {
    let model = ["--model", "resmlp:4x64", "--activation", "tanh", "--device", "reference"]
    let exact = try spectrumOf(model + ["--method", "dense"])
    let found = try spectrumOf(model + ["--method", "lanczos"])
    let largest = try #require(exact["sigma_max"] as? Double)
    #expect(abs(try #require(found["sigma_max"] as? Double) / largest - 1) < 1e-3)
  }

  private func spectrumOf(_ arguments: [String]) throws -> [String: Any] {
    let result = try withFolder { try Program.run(["spectrum", "--json"] + arguments, in: $0) }
    return try #require(try result.objects().first)
  }

  /// With observations a run gives the same bits, whole or in parts.
  @Test func observingARunDoesNotChangeIt() throws {
    try withFolder { folder in
      let options = ["--epochs", "2"] + CommandTests.small + ["--model", "resmlp:2x8"]
      func train(_ run: String, _ more: String...) throws -> [[String: Any]] {
        let result = try Program.run(
          ["train", "--json", "--output", run, "--normalization", "none"] + options + more,
          in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        return try result.objects()
      }
      let plain = try train("plain")
      let observed = try train("observed", "--spectrum-every", "2")
      for (left, right) in zip(plain, observed) {
        for key in ["train_loss", "test_loss", "train_accuracy", "test_accuracy"] {
          #expect(left[key] as? Double == right[key] as? Double)
        }
      }
      func log(_ run: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: "\(folder)/\(run)/log.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").map {
          try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
      }
      let spectra = try log("observed").filter { $0["event"] as? String == "spectrum" }
      #expect(spectra.map { $0["step"] as? Int } == [0, 2, 4, 6, 8, 10])
      #expect(spectra.allSatisfy { $0["count"] as? Int == 8 })
      #expect(try log("plain").allSatisfy { $0["event"] as? String != "spectrum" })

      // How often is free to change when a run goes on.
      let resumed = try Program.run(
        ["train", "--resume", "observed", "--spectrum-every", "3"], in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      let trained = try Program.run(
        "spectrum", "--checkpoint", "observed", "--device", "reference", "--json", in: folder)
      #expect(trained.code == 0, "\(trained.standardError)")
      let predicted = try #require(try trained.objects().first?["predicted"] as? [String: Any])
      #expect(try #require(predicted["reason"] as? String).contains("trained"))
    }
  }

  @Test func anInterruptedMeasurementIsMadeOnResumption() throws {
    try withFolder { folder in
      let begun = try Program.run(
        [
          "train", "--output", "run", "--spectrum-every", "5", "--epochs", "1", "--schedule",
          "constant",
        ]
          + CommandTests.small + ["--model", "resmlp:2x8"], in: folder)
      #expect(begun.code == 0, "\(begun.standardError)")
      let path = "\(folder)/run/log.jsonl"
      func lines() throws -> [Substring] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      }
      let kept = try lines().filter { !$0.contains(#""event":"spectrum","step":5"#) }
      #expect(try kept.count == lines().count - 1)
      try (kept.joined(separator: "\n") + "\n").write(
        toFile: path, atomically: true, encoding: .utf8)
      let resumed = try Program.run(["train", "--resume", "run", "--epochs", "2"], in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      let spectra = try lines().filter { $0.contains(#""event":"spectrum""#) }
      #expect(
        spectra.map { $0.split(separator: ",")[1] } == ["\"step\":0", "\"step\":5", "\"step\":10"])
    }
  }

  @Test func wrongUseIsExplained() throws {
    try withFolder { folder in
      for (arguments, word) in [
        (["--inputs", "0"], "--inputs"),
        (["--model", "mlp:1x8", "--from", "stack"], "input"),
        (["--checkpoint", "x", "--model", "mlp:1x8"], "--checkpoint"),
        (["--model", "mlp:1x8", "--device", "cpu", "--precision", "fp64"], "reference"),
      ] {
        let result = try Program.run(["spectrum"] + arguments, in: folder)
        #expect(result.code != 0 && result.errorLines.count == 1)
        #expect(result.standardError.contains(word), "\(result.standardError)")
      }
    }
  }
}
