import ArgumentParser

struct TheoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "theory", abstract: "Predict the effect of a network's initialization.",
    discussion: """
      Example:
        isometry theory residual --c 0.5 --plot residual.svg

      docs/theory.md explains the laws and their symbols.
      """,
    subcommands: [
      TheoryResidualCommand.self, TheorySignalCommand.self, TheoryActivationCommand.self,
      TheoryFeedForwardCommand.self, TheoryCriticalCommand.self, TheoryFiniteWidthCommand.self,
      TheorySimilarityCommand.self,
    ])
}
