import ArgumentParser

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure how fast a device is.",
    discussion: """
      Example:
        isometry benchmark train --model resnet18 --batch 512
      """,
    subcommands: [
      TrainBenchmarkCommand.self, KernelsBenchmarkCommand.self, StreamBenchmarkCommand.self,
    ])
}
