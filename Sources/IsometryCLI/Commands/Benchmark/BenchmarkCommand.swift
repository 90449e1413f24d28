import ArgumentParser

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure the speed of a device.",
    discussion: """
      Example:
        isometry benchmark train --model resnet18 --batch 512
      """,
    subcommands: [
      TrainBenchmarkCommand.self, KernelsBenchmarkCommand.self, StreamBenchmarkCommand.self,
    ])
}
