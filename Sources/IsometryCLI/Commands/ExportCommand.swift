import ArgumentParser
import IsometryExchange
import IsometryFiles
import IsometryTraining

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the weights of a run for PyTorch or ONNX Runtime.",
    discussion: """
      Examples:
        isometry export runs/2026-01-31-120000-resnet20-he --format torch-names \\
          --output resnet20.safetensors
        isometry export runs/… --format onnx --fold-normalization --output resnet20.onnx

      The folder of a run stands for its newest whole checkpoint. A run with --average-weights is exported \
      with the average. The state of the optimizer is left out: the file is for evaluation, or for \
      the start of a training in PyTorch. docs/exchange.md has the names and the programs that read them.
      """)

  /// The kinds of files.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case safetensors
    case torchNames = "torch-names"
    case onnx
  }

  @OptionGroup var network: CheckpointArguments

  @Option(
    help: """
      safetensors has the names of this package. torch-names has those of ResNets in torchvision, \
      timm and PyTorch code for CIFAR-10, in safetensors.
      """)
  var format = Format.safetensors

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  @Flag(help: "Make Batch Normalization part of the weights and biases of an ONNX file.")
  var foldNormalization = false

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(output, "--output")
    if foldNormalization, format != .onnx {
      throw ValidationError("--fold-normalization is for --format onnx")
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let opened = try network.open(console)
    let saved = opened.checkpoint
    if format == .onnx {
      let model = try ONNXModel(of: saved, foldsNormalization: foldNormalization)
      try WholeFile.write([model.serialized()], to: output)
    } else {
      try saved.exported(hasTorchNames: format == .torchNames).write(to: output)
    }
    let left = opened.tensorCount - (try saved.modelTensors()).count
    console.say("wrote \(saved.configuration.model) of \(opened.path) to \(output)")
    if left > 0 { console.say("left out: the state of the optimizer and of the training") }
    console.emit([
      "file": .text(output), "format": .text(format.rawValue),
      "model": .text(saved.configuration.model), "tensors_left_out": .integer(left),
    ])
  }
}
