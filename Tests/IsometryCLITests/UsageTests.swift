import Foundation
import Testing

@Suite struct UsageTests {
  /// Arguments, and what the one line of the error says.
  static let wrong: [(arguments: [String], says: String)] = [
    (["tarin"], "tarin"),
    (["train", "--bogus"], "--bogus"),
    (["train", "--epochs"], "--epochs"),
    (["train", "--epochs", "x"], "--epochs"),
    (["train", "--recipe", "resnet2"], "did you mean resnet20?"),
    (["train", "--recipe", ""], "--recipe should name"),
    (["train", "--recipe", "quick", "--resume", "a"], "--recipe is for new runs"),
    (["train", "--config", "a.yaml", "--resume", "a"], "--config is for new runs"),
    (["train", "--config", "a.yaml", "--recipe", "quick"], "--config excludes --recipe"),
    (["train", "--config", "a.toml"], "ends with none of .yaml, .yml, .json"),
    (["train", "--auto-resume"], "--auto-resume needs the folder of the run"),
    (["train", "--max-time", "0"], "--max-time should be a number of minutes above 0"),
    (["train", "--max-time", "1:00"], "it takes a number"),
    (["train", "--signal", "KILL"], "'USR1'"),
    (["train", "--patience", "0"], "--patience should be 1 to"),
    (["train", "--keep", "0"], "--keep should be 1 to"),
    (["train", "--save-minutes", "0"], "--save-minutes should be above 0"),
    (["train", "--weight-decay", "1e39"], "within the range of fp32"),
    (
      ["train", "--gamma", "1e300", "--schedule", "step"], "--gamma should be positive, and within"
    ),
    (["train", "--gamma", "1e25", "--schedule", "step"], "makes the --lr overflow"),
    (["train", "--model", "mlp:2x16", "--batch", "1"], "--batch 1 leaves Batch Normalization"),
    (
      ["train", "--normalization", "weight", "--activation", "elu:1e160"],
      "does not go with --normalization weight"
    ),
    (["calibrate", "--activation", "tanh", "--depth", "5", "--c", "0,5"], "it takes a number"),
    (["theory", "residual", "--c", "0,5"], "it takes a number"),
    (
      ["theory", "similarity", "--activation", "relu", "--depth", "5", "--cosine", "0,5"],
      "it takes a number"
    ),
    (["config", "show", "--epochs", "0"], "--epochs should be 1 to"),
    (["runs", "list", "--sort", "accuracy"], "did you mean test-accuracy?"),
    (["runs", "list", "--filter", "model"], "--filter should be key=value"),
    (["runs", "list", "--filter", "modl=a"], "did you mean model?"),
    (["runs", "list", "--sort", "weather"], "runs have no weather; isometry runs list --help"),
    (["train", "--recipe", "quick", "--optimizer", "adam"], "name --lr too"),
    (["train", "--recipe", "quick", "--normalization", "none"], "name --lr too"),
    (["train", "--until-accuracy", "101"], "--until-accuracy is in percent"),
    (["recipes", "speed"], "there is no recipe speed"),
    (["benchmark", "accuracy", "--runs", "0"], "--runs should be 1 to 100"),
    (["benchmark", "accuracy", "--target", "0"], "--target is in percent"),
    (["benchmark", "accuracy", "--output", ""], "--output should name"),
    (["train", "--epochs", "0"], "--epochs should be 1 to 1000000, not 0"),
    (["train", "--schedule", "triangular"], "one-cycle"),
    (["train", "--precision", "uint8"], "bf16"),
    (["train", "--optimizer", "lion"], "rmsprop"),
    (["train", "--normalization", "layer"], "batch"),
    (["train", "--skip", "none"], "convolution"),
    (["train", "--model", "resnet21"], "resnet20"),
    (["train", "--model", "mlp:axb"], "mlp:20x400"),
    (["train", "--model", "speedrun:8x8"], "speedrun:64x256x256"),
    (["train", "--model", "resnet20", "--init", "dirac"], "dirac:stem=dirac"),
    (["train", "--views", "3"], "'1', '2' or '6'"),
    (["train", "--hold-out", "0"], "--hold-out should be at least 1"),
    (["train", "--hold-out", "9", "--limit-test", "9"], "--limit-test"),
    (["train", "--augment", "crop,translate"], "--augment names crop and translate"),
    (["train", "--translate", "32"], "--translate should be 1 to 31 pixels"),
    (["evaluate", "a", "--held-out", "--limit-test", "9"], "--held-out"),
    (["train", "--init", "magic"], "initializations are he"),
    (["train", "--init", "he:x=1"], "x"),
    (["train", "--activation", "step"], "leaky-relu"),
    (["train", "--batch", "-5"], "not -5"),
    (["train", "--seed", "-1"], "a whole number"),
    (["train", "--lr", "fast"], "a number"),
    (["train", "--milestones", "a,b"], "numbers as 2,3.5"),
    (["train", "--lr", "-1e-3"], "--lr should be positive, not -0.001"),
    (["train", "--epochs", "9223372036854775807"], "--epochs"),
    (["train", "--precision", "int8"], "'fp32', 'tf32', 'bf16' or 'fp16'"),
    (["train", "--augment", "rotate"], "'translate' or 'alternate-flip'"),
    (
      ["train", "--device", "metal"],
      "one of the following: auto, cpu, reference, cuda, cuda:N, opencl, opencl:N"
    ),
    (["train", "--device", "cuda:first"], "cuda:N"),
    (["train", "--device", "tpu"], "--device"),
    (["train", "--device", "opencl:-1"], "--device"),
    (["train", "--device", "opencl:x"], "--device"),
    (["train", "--augment", "crop,zoom"], "--augment"),
    (["train", "--no-augment", "--cutout", "4"], "--no-augment"),
    (["train", "--schedule", "cosine", "--peak", "0.3"], "--peak"),
    (["train", "--milestones", "1,2"], "--schedule step"),
    (["train", "--plateau", "2"], "--schedule plateau"),
    (["train", "--schedule", "plateau", "--gamma", "2"], "below 1"),
    (["train", "--optimizer", "adam", "--momentum", "0.5"], "--momentum"),
    (["train", "--optimizer", "adam", "--nesterov"], "--nesterov"),
    (["train", "--device", "cpu", "--gemm", "clblast"], "--gemm"),
    (["train", "--gemm", "cublas"], "clblast"),
    (["train", "--device", "cpu", "--precision", "fp16"], "cannot compute in fp16"),
    (["benchmark", "train", "--device", "cpu", "--precision", "fp16"], "cannot compute in fp16"),
    (["train", "--device", "cpu", "--precision", "tf32"], "cpu cannot compute in tf32"),
    (["inspect", "--device", "reference", "--precision", "tf32"], "use fp32"),
    (["train", "--schedule", "step", "--milestones", "3,2"], "--milestones should rise"),
    (["train", "--schedule", "step", "--milestones", "2,2"], "--milestones should rise"),
    (["train", "--schedule", "step", "--milestones", "0,2"], "--milestones should rise"),
    (["train", "--schedule", "step", "--milestones", "2,5"], "below --epochs 5"),
    (["train", "--model", "mlp:3x65536"], "take a smaller depth or width"),
    (["train", "--model", "resconv:10000x1000"], "2147483648 are the most"),
    (["train", "--prefetch", "0"], "--prefetch"),
    (["benchmark", "train", "--prefetch", "1000000"], "--prefetch"),
    (["train", "--resume", "a", "--output", "b"], "--output"),
    (["train", "--model", "mlp:1x8", "--skip", "convolution"], "mlp:1x8"),
    (["train", "--model", "mlp:1x8", "--init", "risotto"], "--init"),
    (["evaluate"], "checkpoint"),
    (["evaluate", "a", "--limit-test", "0"], "--limit-test"),
    (["dataset", "write-synthetic", "a", "--train", "4"], "--train"),
    (["benchmark", "train", "--steps", "0"], "--steps"),
    (["benchmark", "train", "--batch", "0"], "--batch"),
    (["benchmark", "kernels", "--only", "matmul"], "gemm, convolution, normalization"),
    (["benchmark", "kernels", "--only", "gemm,"], ": gemm"),
    (["benchmark", "kernels", "--seconds", "-1"], "--seconds"),
    (["benchmark", "kernels", "--seconds", "long"], "a number"),
    (["benchmark", "kernels", "--model", "resnet21"], "resnet20"),
    (["benchmark", "stream", "--threads", "0"], "--threads"),
    (["benchmark", "stream", "--repeats", "0"], "--repeats"),
    (["benchmark", "stream", "--prefetch", "0"], "--prefetch"),
    (["benchmark", "stream", "--seconds", "0"], "--seconds should be above 0"),
    (["train", "--output", ""], "--output should name a file or folder, not nothing"),
    (["train", "--resume", ""], "--resume should name"),
    (["train", "--data", ""], "--data should name"),
    (["train", "--lr", "1e-300"], "--lr should be positive, and within the range of fp32"),
    (["train", "--clip-norm", "1e-300"], "--clip-norm should be positive"),
    (["train", "--group", "tail:lr=1"], "--group tail does not exist"),
    (["train", "--group", "head"], "--group head should be NAME:key=number"),
    (["train", "--group", "head:lr=-1"], "--group head: lr should be 0, or positive"),
    (["train", "--normalization", "none", "--group", "scales:lr=1"], "no such parameters"),
    (["train", "--optimizer", "adam", "--group", "head:momentum=0.5"], "adam has no momentum"),
    (["train", "--decay", "some"], "'weights' and 'all'"),
    (["train", "--warmup-steps", "5", "--warmup", "1"], "--warmup-steps excludes --warmup 1"),
    (["train", "--average-weights", "1"], "--average-weights should be at least 0"),
    (["train", "--clip-adaptive", "0"], "--clip-adaptive should be positive"),
    (["spectrum", "--last-weights"], "--last-weights is for a --checkpoint"),
    (["train", "--mixup", "0"], "--mixup should be positive"),
    (["train", "--mixup", "0.2", "--batch", "1"], "--mixup mixes two images of a batch"),
    (["train", "--group", "head:lr=0,until=1"], "--group head: until 1.0 has no effect"),
    (
      ["reproduce", "depth-limit", "--scale", "medium", "--data", "synthetic"],
      "depth-limit has no scale medium"
    ),
    (
      ["train", "--normalization", "weight", "--init", "risotto"],
      "use --normalization none, or --init he or orthogonal"
    ),
    (["benchmark", "train", "--profile", ""], "--profile should name"),
    (["spectrum", "--checkpoint", ""], "--checkpoint should name"),
    (["spectrum", "--data", ""], "--data should name"),
    (["spectrum", "--plot", ""], "--plot should name"),
    (["spectrum", "--precision", "fp64", "--gemm", "clblast"], "--gemm clblast"),
    (["reproduce", "finite-width", "--output", ""], "--output should name"),
    (["evaluate", ""], "the run or checkpoint should name"),
    (["dataset", "fetch", ""], "the directory should name"),
    (["dataset", "info", "--data", ""], "--data should name"),
    (["dataset", "write-synthetic", ""], "the directory should name"),
    (
      ["dataset", "write-synthetic", "a", "--train", "5000000000"], "--train should be 5 to 1000000"
    ),
    (["dataset", "write-synthetic", "a", "--test", "5000000000"], "--test should be 1 to 1000000"),
  ]

  @Test(arguments: wrong.indices)
  func wrongUsageEndsWith64AndOneLine(_ index: Int) throws {
    let (arguments, says) = Self.wrong[index]
    let result = try withFolder { try Program.run(arguments, in: $0) }
    #expect(result.code == 64, "\(arguments)")
    #expect(result.standardOutput.isEmpty)
    #expect(result.errorLines.count == 1, "\(result.standardError)")
    #expect(result.standardError.hasPrefix("isometry: "))
    #expect(result.standardError.contains(says), "\(result.standardError)")
  }

  @Test func aBatchLargerThanTheSetEndsWith64() throws {
    let result = try withFolder {
      try Program.run(
        ["train", "--json", "--limit-train", "20", "--batch", "21"] + CommandTests.small.prefix(4),
        in: $0)
    }
    #expect(result.code == 64 && result.standardOutput.isEmpty)
    #expect(result.standardError.contains("a --batch of at most 20"), "\(result.standardError)")
  }

  @Test func aBatchLargerThanTheMemoryEndsWith64() throws {
    let result = try withFolder {
      try Program.run("benchmark", "train", "--device", "cpu", "--batch", "1000000", in: $0)
    }
    #expect(result.code == 64)
    #expect(result.standardError.contains("take a smaller batch"), "\(result.standardError)")
  }

  @Test func aSwitchThatIsNeitherOnNorOffEndsWith64() throws {
    let result = try withFolder {
      try Program.run("devices", in: $0, environment: ["ISOMETRY_VALIDATE": "maybe"])
    }
    #expect(result.code == 64 && result.errorLines.count == 1)
    let spectrum = try withFolder {
      try Program.run(
        "spectrum", "--model", "mlp:1x8", "--precision", "fp64", in: $0,
        environment: ["ISOMETRY_VALIDATE": "maybe"])
    }
    #expect(spectrum.code == 64 && spectrum.standardError.contains("ISOMETRY_VALIDATE"))
    #expect(
      result.standardError.contains("ISOMETRY_VALIDATE should be 1 (on) or 0 (off), not maybe"))
  }

  /// Arguments that are fine, in a world that is not.
  static let failing: [(arguments: [String], says: String)] = [
    (["train", "--data", "/nowhere"], "isometry dataset fetch"),
    (["train", "--resume", "nowhere"], "nowhere/config.json"),
    (["train", "--recipe", "nowhere.json"], "No such file"),
    (["train", "--config", "nowhere.yaml"], "No such file"),
    (["runs", "list", "nowhere"], "cannot read nowhere"),
    (["runs", "show", "nowhere"], "nowhere/config.json"),
    (["train", "--output", "/proc/nowhere"], "/proc/nowhere"),
    (["evaluate", "nowhere"], "No such file"),
    (["evaluate", "/dev"], "No such file"),
    (["evaluate", "/proc/self/exe"], "safetensors"),
    (["dataset", "info", "--data", "/nowhere"], "/nowhere"),
    (
      ["benchmark", "train", "--device", "cpu", "--profile", "/proc/nowhere"],
      "cannot write /proc/nowhere"
    ),
    (["benchmark", "train", "--device", "cpu", "--profile", "/"], "it is a folder"),
    (
      ["benchmark", "train", "--device", "cpu", "--profile", "/dev/zero"],
      "it is not a regular file"
    ),
    (["benchmark", "stream", "--data", "/nowhere"], "/nowhere"),
    (["dataset", "write-synthetic", "/proc/nowhere", "--train", "5", "--test", "1"], "/proc"),
  ]

  @Test(arguments: failing.indices)
  func otherErrorsEndWith1AndOneLine(_ index: Int) throws {
    let (arguments, says) = Self.failing[index]
    let result = try withFolder { try Program.run(arguments, in: $0) }
    #expect(result.code == 1, "\(arguments)")
    #expect(result.standardOutput.isEmpty)
    #expect(result.errorLines.count == 1, "\(result.standardError)")
    #expect(result.standardError.contains(says), "\(result.standardError)")
  }

  @Test(arguments: [
    [], ["train"], ["evaluate"], ["devices"], ["dataset"], ["dataset", "fetch"],
    ["dataset", "info"], ["dataset", "write-synthetic"], ["benchmark"], ["benchmark", "train"],
    ["benchmark", "kernels"], ["benchmark", "stream"], ["benchmark", "accuracy"], ["recipes"],
    ["config"], ["config", "show"], ["runs"], ["runs", "list"], ["runs", "show"],
    ["runs", "compare"],
  ])
  func helpHasAnExample(_ command: [String]) throws {
    let result = try withFolder { try Program.run(command + ["--help"], in: $0) }
    #expect(result.code == 0 && result.standardError.isEmpty)
    #expect(result.standardOutput.contains("USAGE: isometry"))
    #expect(result.standardOutput.contains("Example"))
  }

  @Test func nothingAtAllIsAskingForHelp() throws {
    let result = try withFolder { try Program.run(in: $0) }
    #expect(result.code == 0 && result.standardOutput.contains("SUBCOMMANDS"))
  }

  @Test func aVersionIsTold() throws {
    let result = try withFolder { try Program.run("--version", in: $0) }
    #expect(result.code == 0)
    #expect(result.standardOutput.split(separator: ".").count == 3)
  }
}
