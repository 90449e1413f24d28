import ArgumentParser

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure speed and accuracy.",
    discussion: """
      Examples:
        isometry benchmark train --model resnet18 --batch 512
        isometry benchmark accuracy --recipe resnet20 --runs 3
      """,
    subcommands: [
      TrainBenchmarkCommand.self, KernelsBenchmarkCommand.self, StreamBenchmarkCommand.self,
      AccuracyBenchmarkCommand.self, ScalingBenchmarkCommand.self,
    ])
}
