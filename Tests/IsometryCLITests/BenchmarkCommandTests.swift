import Foundation
import Testing

@Suite struct BenchmarkCommandTests {
  @Test func theBenchmarkPrintsItsKeys() throws {
    let result = try withFolder { folder in
      try Program.run(
        "benchmark", "train", "--model", "mlp:1x8", "--device", "reference", "--batch", "8",
        "--warmup-steps", "1", "--steps", "1", "--repeats", "3", "--json", in: folder)
    }
    #expect(result.code == 0, "\(result.standardError)")
    let object = try #require(try result.objects().first)
    #expect(
      object.keys.sorted() == [
        "batch", "device", "images_per_second", "input_wait_share", "launches_per_step", "memory",
        "model", "ms_per_step", "normalization", "peak_bytes", "precision", "recompute", "spread",
      ])
    let memory = try #require(object["memory"] as? [String: Int])
    #expect(memory.values.reduce(0, +) == object["peak_bytes"] as? Int)
    #expect(memory["parameters"] == memory["optimizer_state"])
    let spread = try #require(object["spread"] as? [Double])
    let rate = try #require(object["images_per_second"] as? Double)
    #expect(object["device"] as? String == "reference", "a value of --device")
    #expect(spread.count == 2 && spread[0] <= rate && rate <= spread[1])
    let wait = try #require(object["input_wait_share"] as? Double)
    #expect(0 <= wait && wait <= 1)
  }

  private static let brief = ["--warmup-steps", "0", "--steps", "1", "--repeats", "1"]

  @Test func trainTellsItsArithmeticToPeople() throws {
    let result = try withFolder { folder in
      try Program.run(
        ["benchmark", "train", "--model", "mlp:1x8", "--device", "reference", "--batch", "8"]
          + Self.brief, in: folder)
    }
    #expect(result.code == 0, "\(result.standardError)")
    #expect(
      result.outputLines.contains {
        $0.hasPrefix("arithmetic  ") && $0.contains("GFLOP a step") && $0.contains("GFLOP/s")
      })
  }

  /// The activations of 1,024 images would not fit every machine; their plan does.
  @Test func aPlanNeedsNoMemory() throws {
    func peak(_ arguments: String...) throws -> Int {
      let result = try withFolder { folder in
        try Program.run(
          ["benchmark", "train", "--plan", "--json", "--device", "cpu", "--batch", "1024"]
            + arguments, in: folder)
      }
      #expect(result.code == 0, "\(result.standardError)")
      let object = try #require(try result.objects().first)
      #expect(object["images_per_second"] == nil)
      let recompute = try #require(object["recompute"] as? String)
      #expect(result.standardError.contains(", recompute") == (recompute != "none"))
      return try #require(object["peak_bytes"] as? Int)
    }
    let whole = try peak("--model", "resnet110")
    #expect(try peak("--model", "resnet110", "--recompute", "activations") < whole * 2 / 3)
    #expect(try peak("--model", "resnet110", "--recompute", "blocks") < whole / 4)
    #expect(try peak("--model", "resnet110", "--recompute", "none") == whole)
  }

  /// A million images have more pixels than kernels count; 8 fit.
  @Test(
    .enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"),
    arguments: [8, 1_000_000])
  func aPlanNamesTheLimit(batch: Int) throws {
    let result = try withFolder { folder in
      try Program.run(
        "benchmark", "train", "--plan", "--json", "--device", "opencl", "--model", "resnet8",
        "--batch", "\(batch)", in: folder)
    }
    #expect(result.code == 0, "\(result.standardError)")
    let obstacle = try #require(try result.objects().first)["obstacle"] as? String
    #expect((obstacle == nil) == (batch == 8))
    #expect(result.standardError.contains("limit  \(obstacle ?? "")") == (batch != 8))
    if let obstacle { #expect(obstacle.contains("--batch"), "\(obstacle)") }
  }

  @Test(arguments: [["--recompute"], ["--recompute", "everything"], ["--recompute-activations"]])
  func whatToComputeAgainIsSaidOnce(flags: [String]) throws {
    let result = try withFolder { folder in
      try Program.run(["benchmark", "train", "--plan", "--device", "cpu"] + flags, in: folder)
    }
    #expect(result.code == 64 && result.standardError.contains("--recompute"))
  }

  @Test func aPlanHasNoProfile() throws {
    let result = try withFolder { folder in
      try Program.run("benchmark", "train", "--plan", "--profile", "x.json", in: folder)
    }
    #expect(result.code == 64 && result.standardError.contains("--plan"))
  }

  @Test func aProfileIsATraceThatPerfettoOpens() throws {
    try withFolder { folder in
      let result = try Program.run(
        [
          "benchmark", "train", "--model", "mlp:1x8", "--device", "cpu", "--batch", "8", "--json",
          "--profile", "step.json",
        ] + Self.brief, in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let keys = try #require(try result.objects().first).keys
      #expect(keys.count == 13, "a profile changes no keys: \(keys)")
      #expect(result.standardError.contains("timeline  step.json"))
      let bytes = try Data(contentsOf: URL(filePath: "\(folder)/step.json"))
      let trace = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
      let events = try #require(trace["traceEvents"] as? [[String: Any]])
      #expect(events.contains { $0["ph"] as? String == "X" })
      let names = events.compactMap { $0["name"] as? String }
      #expect(names.contains("matrixMultiply"))
    }
  }

  @Test func aDeviceWithoutTimesHasNoProfile() throws {
    try withFolder { folder in
      let result = try Program.run(
        [
          "benchmark", "train", "--model", "mlp:1x8", "--device", "reference", "--batch", "8",
          "--profile", "step.json",
        ] + Self.brief, in: folder)
      #expect(result.code == 64 && result.errorLines.count == 1)
      #expect(result.standardError.contains("--device cpu"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/step.json"))
    }
  }

  @Test func kernelsPrintsAnObjectForEachVariant() throws {
    let arguments = [
      "benchmark", "kernels", "--model", "mlp:1x8", "--device", "cpu", "--batch", "8", "--seconds",
      "0", "--only", "gemm,loss",
    ]
    let result = try withFolder { try Program.run(arguments + ["--json"], in: $0) }
    #expect(result.code == 0, "\(result.standardError)")
    let objects = try result.objects()
    for object in objects {
      #expect(
        object.keys.sorted() == [
          "ceiling_share", "gbps", "gflops", "kernel", "ms", "shape", "variant",
        ])
      for key in ["ms", "gflops", "gbps", "ceiling_share"] {
        #expect(object[key] as? Double ?? 0 > 0, "\(object)")
      }
    }
    #expect(
      Set(objects.compactMap { $0["kernel"] as? String }) == [
        "matrixMultiply", "softmaxCrossEntropy",
      ])
    #expect(objects.contains { $0["shape"] as? String == "512x512x512 fp32" })
    #expect(objects.contains { ($0["variant"] as? String)?.hasPrefix("oneDNN ") == true })
    #expect(result.standardError.contains("ceilings  fp32: copies "))
    let table = try withFolder { try Program.run(arguments, in: $0) }
    #expect(table.code == 0 && table.outputLines.contains { $0.contains("of ceiling") })
  }

  @Test func streamPrintsItsKeys() throws {
    let result = try withFolder { folder in
      try Program.run(
        "benchmark", "stream", "--model", "mlp:1x8", "--device", "reference", "--batch", "8",
        "--data", "synthetic", "--threads", "2", "--seconds", "0.01", "--repeats", "2", "--json",
        "--quiet", in: folder)
    }
    #expect(result.code == 0 && result.standardError.isEmpty, "\(result.standardError)")
    let object = try #require(try result.objects().first)
    #expect(
      object.keys.sorted() == [
        "batch", "data", "device", "gbps", "headroom", "images_per_second", "model",
        "needed_images_per_second", "precision", "prefetch", "threads",
      ])
    #expect(object["data"] as? String == "synthetic")
    #expect(object["headroom"] as? Double ?? 0 > 0)
  }
}
