import ArgumentParser
import IsometryData
import IsometryExchange
import IsometryFiles
import IsometryTraining

struct ImportCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a checkpoint of weights that another program saved.",
    discussion: """
      Examples:
        isometry import resnet20.safetensors --model resnet20 --output resnet20.checkpoint
        isometry evaluate resnet20.checkpoint

      The file is a state_dict that PyTorch code saved with safetensors.torch.save_file. The tensors \
      have the names of ResNets in torchvision, timm or PyTorch code for CIFAR-10, or those of this \
      package. The options describe the network; its tensors are checked against the file. Image \
      size, classes and normalization are those of the data set that --data names or evaluate takes by default, or else of CIFAR-10. The \
      checkpoint serves evaluate, spectrum and export. docs/exchange.md has the names.
      """)

  @Argument(help: ArgumentHelp("The file in safetensors.", valueName: "file"))
  var file: String

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Data") var data: DataArguments

  @Option(help: ArgumentHelp("The checkpoint to write.", valueName: "file"))
  var output: String

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(file, "the file")
    try checkPath(output, "--output")
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    var configuration = RunConfiguration()
    network.apply(to: &configuration)
    let source = try data.resolve(environment)
    configuration.data = source.spelling
    configuration.labels = source.labels
    // Weights of other programs are not for the built-in pictures, unless the user says so.
    if source.kind != .synthetic || data.data != nil {
      configuration.images = try source.load(.test).format
    }
    try configuration.check()
    let checkpoint = try Checkpoint(importing: file, as: configuration)
    try checkpoint.requireFiniteModel(path: file)
    try checkpoint.write(to: output)
    console.say("data    \(source.explanation.inProgramTerms)")
    console.say("wrote \(configuration.model) of \(file) to \(output)")
    console.say("left out: counters of batches and the state of an optimizer, if there were any")
    console.emit([
      "checkpoint": .text(output), "model": .text(configuration.model),
      "tensors": .integer(checkpoint.tensors.count),
    ])
  }
}
