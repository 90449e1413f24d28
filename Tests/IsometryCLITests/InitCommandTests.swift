import Foundation
import IsometryNN
import IsometryTraining
import Testing

@Suite struct InitCommandTests {
  @Test func everyInitializationIsListed() throws {
    try withFolder { folder in
      let result = try Program.run("init", "list", "--json", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let objects = try result.objects()
      #expect(objects.map { $0["name"] as? String } == InitializerRegistry.names)
      for object in objects {
        #expect((object["conditions"] as? String)?.isEmpty == false)
      }
      #expect(result.standardError.contains("risotto-lossless"))
    }
  }

  /// Initializations that change the network, its learning rates, or look at the data, in a real run.
  @Test(arguments: [
    ["--init", "fixup"], ["--init", "skipinit"], ["--init", "norm-preserving"],
    ["--init", "lsuv:images=8"], ["--init", "risotto-lossless"],
    ["--init", "looks-linear", "--skip", "convolution"],
    ["--init", "rezero", "--normalization", "batch"],
    ["--init", "zero-gamma", "--normalization", "batch"],
  ])
  func networksTrain(options: [String]) throws {
    try withFolder { folder in
      var arguments = [
        "train", "--json", "--model", "resnet20", "--device", "cpu", "--batch", "8", "--epochs",
        "1", "--limit-train", "16", "--limit-test", "8", "--lr", "0.001", "--output", "run",
      ]
      if !options.contains("--normalization") { arguments += ["--normalization", "none"] }
      let result = try Program.run(arguments + options, in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      #expect(try result.objects().count == 1)
    }
  }

  /// A step too small for any weight leaves the first ones in the checkpoint, also of an initialization
  /// that measures.
  @Test func everyDeviceBeginsWithTheSameWeights() throws {
    try withFolder { folder in
      let listing = try Program.run("devices", "--json", in: folder).standardOutput
      let devices =
        ["reference", "cpu"] + (listing.contains("\"opencl:0\"") ? ["opencl:0"] : [])
      let weights = try devices.map { device in
        let result = try Program.run(
          [
            "train", "--model", "mlp:2x32", "--normalization", "none", "--init", "lsuv:images=8",
            "--batch", "8", "--epochs", "1", "--limit-train", "8", "--limit-test", "8", "--lr",
            "1e-30", "--weight-decay", "0", "--device", device, "--output", device,
          ], in: folder,
          environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""])
        #expect(result.code == 0, "\(result.standardError)")
        return try Checkpoint(contentsOf: RunFolder.checkpointPath(for: "\(folder)/\(device)"))
          .tensors.filter { $0.key.hasSuffix("weight") }
      }
      #expect(weights[0].count == 3)
      for other in weights.dropFirst() { #expect(other == weights[0]) }
    }
  }

  @Test func conditionsAreUsageErrors() throws {
    try withFolder { folder in
      for (options, word) in [
        (["--init", "fixup", "--normalization", "batch"], "--normalization none"),
        (["--init", "lsuv:images=100", "--limit-train", "50"], "images"),
        (["--init", "looks-linear", "--model", "mlp:2x9"], "even widths"),
        (["--init", "fixup", "--model", "resmlp:2x8", "--normalization", "none"], "--init"),
      ] {
        let result = try Program.run(
          ["train", "--device", "reference", "--batch", "8"] + options, in: folder)
        #expect(result.code != 0)
        #expect(result.standardError.contains(word), "\(result.standardError)")
      }
    }
  }
}
