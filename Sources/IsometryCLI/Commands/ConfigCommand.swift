import ArgumentParser
import IsometryCore
import IsometryData
import IsometryTraining

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Show the settings of a run before it starts.",
    discussion: """
      Example:
        isometry config show --recipe resnet20 --epochs 30 > run.yaml
      """,
    subcommands: [ShowCommand.self])

  struct ShowCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Print all settings that isometry train would take, as YAML.",
      discussion: """
        Examples:
          isometry config show --recipe resnet20 --epochs 30 > run.yaml
          isometry config show --config runs/2026-01-31-120000-resnet20-he/config.json --lr 0.1
          isometry train --config run.yaml

        The options are those of isometry train. The names are those of a run's config.json. With \
        auto, the device or the precision is chosen when the run starts.
        """)

    @OptionGroup var training: TrainingArguments
    @OptionGroup(title: "Run") var run: RunArguments
    @OptionGroup var launch: LaunchArguments
    @OptionGroup var form: OutputArguments

    func run(in environment: ProgramEnvironment) throws {
      let console = Console(isJSON: form.json)
      var choices = try training.choices(optionNames: LaunchArguments.names)
      let options = try launch.completed(by: choices.template).stated
      run.apply(to: &choices.configuration)
      try choices.configuration.check()
      choices.configuration.device =
        training.device.device?.spelling ?? choices.template?.device ?? DeviceChoice.auto.spelling
      _ = try training.source(
        for: &choices.configuration, recorded: choices.template?.data, environment)
      var replaced: [Term: String] = [:]
      if choices.choosesPrecision { replaced[.precision] = TrainingPrecision.automatic }
      if form.json {
        StandardStream.output.write(
          "\(try choices.configuration.jsonLine(replacing: replaced, adding: options))\n")
      } else {
        let lines = try choices.configuration.yamlLines(replacing: replaced, adding: options)
        for line in lines { console.say(line) }
      }
    }
  }
}
