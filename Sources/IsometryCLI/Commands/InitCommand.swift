import ArgumentParser
import IsometryFiles
import IsometryNN

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Show the initializations.",
    discussion: """
      Example:
        isometry init list
      """,
    subcommands: [ListInitializersCommand.self])
}

struct ListInitializersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the initializations with their conditions and options.",
    discussion: """
      Example:
        isometry init list

      Options follow the name: --init risotto:alpha=0.5,head=plain

      docs/initialization.md has the definition, the source and a spectrum of each initialization.
      """)

  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let width = InitializerRegistry.names.map(\.count).max() ?? 0
    for type in InitializerRegistry.types {
      let indent = String(repeating: " ", count: width + 2)
      console.say(Wording.padded(type.name, width + 2) + type.summary)
      console.say("\(indent)for: \(type.conditions)")
      for option in type.options { console.say("\(indent)\(option.name)=  \(option.meaning)") }
      console.emit([
        "name": .text(type.name),
        "summary": .text(type.summary),
        "conditions": .text(type.conditions),
        "options": .array(
          type.options.map { ["name": .text($0.name), "meaning": .text($0.meaning)] }),
      ])
    }
    console.say("docs/initialization.md has the definition, the source and a spectrum of each")
  }
}
