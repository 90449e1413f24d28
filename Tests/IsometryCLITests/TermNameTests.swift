import IsometryCore
import IsometryTraining
import Testing

@testable import IsometryCLI

@Suite struct TermNameTests {
  @Test func everySettingOfARunIsAnOptionOfTrain() throws {
    let help = try withFolder { try Program.run("train", "--help", in: $0) }.standardOutput
    for (setting, _) in RunConfiguration().settings {
      let option = try #require(Term.programNames[setting], "\(setting.name)")
      #expect(help.contains("\n  \(option) ") || help.contains("\n  \(option)/"), "\(option)")
    }
  }

  @Test func errorsOfLibrariesNameOptions() throws {
    var configuration = RunConfiguration()
    configuration.momentum = 0
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    let description = "nesterov needs a momentum above 0; raise it, or use nesterov = false"
    #expect(error?.description == description)
    let message = "--nesterov needs a --momentum above 0; raise it, or use --no-nesterov"
    #expect(error.map { errorText(of: $0) } == message)
  }
}
