import IsometryCore
import IsometryNN
import IsometryTraining
import Testing

@testable import IsometryExchange

@Suite struct TorchNamesTests {
  @Test(arguments: [
    ("resnet18", "stem.weight", "conv1.weight"),
    ("resnet18", "norm.running_var", "bn1.running_var"),
    ("resnet18", "body.0.conv1.weight", "layer1.0.conv1.weight"),
    ("resnet18", "body.2.skip.0.weight", "layer2.0.downsample.0.weight"),
    ("resnet18", "body.7.bn2.bias", "layer4.1.bn2.bias"), ("resnet18", "head.bias", "fc.bias"),
    ("resnet50", "body.6.conv3.weight", "layer2.3.conv3.weight"),
    ("resnet20", "body.8.conv2.weight", "layer3.2.conv2.weight"),
    ("resnet20", "body.3.skip.1.weight", "layer2.0.shortcut.1.weight"),
    ("resnet20", "head.weight", "linear.weight"),
    ("resmlp:4x8", "body.1.linear.weight", "body.1.linear.weight"),
  ])
  func namesAreThoseOfTorchvisionAndOfCodeForCIFAR(model: String, name: String, torch: String)
    throws
  {
    #expect(TorchNames(try ModelSpecification(model)).name(of: name) == torch)
  }

  @Test(arguments: ModelSpecification.Residual.allCases)
  func everyNameComesBack(model: ModelSpecification.Residual) throws {
    let names = TorchNames(.residual(model))
    let options = NetworkOptions(
      normalization: .batch, traits: BlockTraits(hasMultiplier: true, hasScalarBiases: true))
    let layout = try ModelSpecification.residual(model).network(options).layout
    for name in layout.modelNames {
      let torch = names.name(of: name)
      #expect(names.variable(of: torch) == name)
      #expect(names.variable(of: "module.\(torch)") == name)
      #expect(names.variable(of: name) == name)
    }
    #expect(Set(layout.modelNames.map { names.name(of: $0) }).count == layout.modelNames.count)
  }

  @Test(arguments: ["resnet8", "speedrun:4x8x8"], NormalizationKind.allCases)
  func anExportedModelIsTheSameAfterItsImport(
    model: String, normalization: NormalizationKind
  ) throws {
    try withFolder { folder in
      let checkpoint = try Checkpoint.random(model, normalization)
      for hasTorchNames in [false, true] {
        let path = "\(folder)/weights-\(hasTorchNames)"
        try checkpoint.exported(hasTorchNames: hasTorchNames).write(to: path)
        let back = try Checkpoint(importing: path, as: checkpoint.configuration)
        #expect(back == checkpoint)
      }
    }
  }

  /// Changes of an exported file, and what the error says.
  private static let faults:
    [(change: @Sendable (inout [String: HostTensor]) -> Void, text: String)] =
      [
        ({ $0["linear.bias"] = nil }, "lacks linear.bias (here head.bias) of resnet8"),
        ({ $0["fc.bias"] = $0["linear.bias"] }, "holds linear.bias under two names"),
        ({ $0["layer4.0.conv1.weight"] = $0["linear.bias"] }, "holds layer4.0.conv1.weight"),
        (
          { $0["conv1.weight"] = HostTensor(zeros: TensorType([16, 3, 7, 7], .float32)) },
          "has conv1.weight as [16, 3, 7, 7]"
        ),
        (
          { $0["linear.bias"] = HostTensor([10], [Int32](repeating: 1, count: 10)) },
          "has linear.bias as int32[10]"
        ),
      ]

  @Test(arguments: faults.indices)
  func otherFilesAreRefused(index: Int) throws {
    try withFolder { folder in
      let checkpoint = try Checkpoint.random("resnet8")
      var file = try checkpoint.exported(hasTorchNames: true)
      Self.faults[index].change(&file.tensors)
      try file.write(to: "\(folder)/weights")
      let error = try #require(throws: ExchangeError.self) {
        try Checkpoint(importing: "\(folder)/weights", as: checkpoint.configuration)
      }
      #expect(error.description.contains(Self.faults[index].text), "\(error)")
    }
  }

  @Test func numbersOfOtherTypesAreTaken() throws {
    try withFolder { folder in
      let checkpoint = try Checkpoint.random("mlp:1x4", .none)
      var file = try checkpoint.exported(hasTorchNames: true)
      for (name, tensor) in file.tensors {
        file.tensors[name] = HostTensor(tensor.shape, tensor.doubles, as: .float64)
      }
      try file.write(to: "\(folder)/weights")
      let back = try Checkpoint(importing: "\(folder)/weights", as: checkpoint.configuration)
      #expect(back == checkpoint)
    }
  }

  @Test func weightsThatAreNotNumbersAreNotExportedToONNX() throws {
    var checkpoint = try Checkpoint.random("mlp:1x4", .none)
    var tensors = checkpoint.tensors
    tensors["head.bias"] = HostTensor([10], [Float](repeating: .nan, count: 10))
    checkpoint = Checkpoint(
      configuration: checkpoint.configuration, state: TrainingState(), trainImages: nil,
      tensors: tensors)
    #expect(throws: ExchangeError.notFinite(name: "head.bias")) {
      try ONNXModel(of: checkpoint, foldsNormalization: false)
    }
  }
}
