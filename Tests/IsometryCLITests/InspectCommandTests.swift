import Foundation
import Testing

@Suite struct InspectCommandTests {
  @Test func everyBlockAndTheNetworkAreObjects() throws {
    try withFolder { folder in
      let result = try Program.run(
        "inspect", "--json", "--model", "resmlp:3x24", "--init", "universal:c=0.5", "--activation",
        "tanh", "--device", "reference", "--inputs", "3", "--plot", "inspect.svg", in: folder)
      #expect(result.code == 0 || result.standardError.contains("gnuplot"))
      let objects = try result.objects()
      #expect(
        objects.map { $0["segment"] as? String }
          == ["stem", "body.0", "body.1", "body.2", "stack to features"])
      for object in objects {
        #expect(
          object.keys.sorted() == [
            "cosine_after", "cosine_before", "gain", "inputs", "mean_square", "method", "outputs",
            "predicted", "segment", "sigma_max", "sigma_mean", "sigma_min", "zero_fraction",
          ])
        #expect(object["method"] as? String == "svd")
        let predicted = try #require(object["predicted"] as? [String: Any])
        for key in ["mean_square", "gain", "cosine_after"] { #expect(predicted[key] is Double) }
      }
      #expect(result.standardError.contains("by the universal law"))
      let text = try String(contentsOfFile: "\(folder)/inspect.csv", encoding: .utf8)
      #expect(text.hasPrefix("series,segment,value\n"))
      #expect(text.contains("\ngain,0.0,") && text.contains("\n\"gain, theory\",0.0,"))
    }
  }

  @Test func theTableHasTheoryBesideWhatWasMeasured() throws {
    try withFolder { folder in
      let result = try Program.run(
        "inspect", "--model", "mlp:3x16", "--init", "looks-linear", "--device", "reference",
        "--inputs", "2", "--cumulative", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      #expect(result.standardOutput.contains("mean σ²    theory"))
      #expect(result.standardOutput.contains("isometry law"))
    }
  }

  @Test(arguments: ["inspect", "spectrum"])
  func batchNormalizationHasTheStatisticsOfABatch(command: String) throws {
    try withFolder { folder in
      func run(_ normalization: String) throws -> String {
        let result = try Program.run(
          command, "--model", "resmlp:2x16", "--device", "reference", "--normalization",
          normalization, in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        return result.standardOutput
      }
      let (batch, none) = (try run("batch"), try run("none"))
      #expect(batch.contains("batch with the statistics of 64 inputs"))
      #expect(!none.contains("statistics"))
    }
  }

  @Test func wrongCombinationsSayWhatToDo() throws {
    try withFolder { folder in
      for (options, word) in [
        (["--model", "resnet50", "--init", "risotto"], "--skip convolution"),
        (["--model", "resmlp:2x8", "--init", "critical"], "mlp:"),
        (["--inputs", "0"], "--inputs should be 2 to 256, not 0: "),
        (["--inputs", "1"], "--inputs should be 2 to 256, not 1: "),
        (["--inputs", "257"], "--inputs should be 2 to 256, not 257: "),
        (["--model", "mlp:2x8", "--init", "fixup"], "choose a resnet model"),
        (["--device", "cpu", "--precision", "fp64"], "fp64"),
      ] {
        let result = try Program.run(["inspect"] + options, in: folder)
        #expect(result.code == 64)
        #expect(result.standardError.contains(word), "\(result.standardError)")
      }
    }
  }
}
