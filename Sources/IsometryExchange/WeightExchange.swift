public import IsometryCore
import IsometryData
import IsometryNN
public import IsometryTraining

extension Checkpoint {
  /// The model's parameters and statistics, without the optimizer's state and all else that training keeps.
  public func modelTensors() throws -> [String: HostTensor] {
    let names = try configuration.makeNetwork().layout.modelNames
    return tensors.filter { names.contains($0.key) }
  }

  /// The model as a file that PyTorch reads, with `safetensors.torch.load_file` and `load_state_dict`.
  ///
  /// - Parameter hasTorchNames: whether the tensors have the names of PyTorch code (`TorchNames`). A gain
  ///   then has the axes of its weight, as in timm: [K, 1, 1, 1] for a convolution.
  /// - Throws: `ModelError` or `InitializationError` for a configuration without a network.
  public func exported(hasTorchNames: Bool) throws -> Safetensors {
    var model = try modelTensors()
    if hasTorchNames {
      let names = TorchNames(try ModelSpecification(configuration.model))
      for layer in try configuration.makeNetwork().layout.layers {
        guard let gain = layer.gain, let tensor = model[gain.name] else { continue }
        let ones = [Int](repeating: 1, count: layer.weight.shape.rank - 1)
        model[gain.name] = tensor.reshaped(to: Shape([gain.shape[0]] + ones))
      }
      model = Dictionary(uniqueKeysWithValues: model.map { (names.name(of: $0), $1) })
    }
    return Safetensors(metadata: ["format": "pt"], tensors: model)
  }

  /// Reads weights that another program has saved, such as a `state_dict` of PyTorch, for
  /// evaluation and spectra.
  ///
  /// The tensors have the names of this package or of PyTorch code (`TorchNames`), and any
  /// floating-point type. PyTorch's counters of batches and the state of an optimizer are left out.
  ///
  /// - Parameter configuration: of the network.
  /// - Throws: `ExchangeError` if the file does not hold the network's tensors alone; otherwise as
  ///   `Safetensors.init(contentsOf:)` and `RunConfiguration.makeNetwork`.
  public init(importing path: String, as configuration: RunConfiguration) throws {
    let file = try Safetensors(contentsOf: path) {
      Self.isBatchCounter($0) || $0.hasPrefix(Self.trainingPrefix)
    }
    let model = try ModelSpecification(configuration.model)
    let names = TorchNames(model)
    let layout = try configuration.makeNetwork().layout
    var found: [String: (name: String, tensor: HostTensor)] = [:]
    for (name, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
      let variable = names.variable(of: name)
      guard found.updateValue((name, tensor), forKey: variable) == nil else {
        throw ExchangeError.repeatedTensor(path: path, name: name)
      }
    }
    var tensors: [String: HostTensor] = [:]
    let shapes =
      layout.parameters.map { ($0.name, $0.shape) } + layout.statistics.map { ($0.name, $0.shape) }
    for (variable, shape) in shapes {
      guard let (name, tensor) = found.removeValue(forKey: variable) else {
        throw ExchangeError.missingTensor(
          path: path, name: variable, torchName: names.name(of: variable), model: "\(model)")
      }
      guard tensor.dtype.isFloatingPoint else {
        throw ExchangeError.notNumbers(path: path, name: name, type: "\(tensor.type)")
      }
      // Gains of convolutions and heads that are 1×1 convolutions have further axes.
      guard tensor.shape.withoutOnes == shape.withoutOnes else {
        throw ExchangeError.otherShape(
          path: path, name: name, expected: shape, found: tensor.shape)
      }
      tensors[variable] = HostTensor(shape, tensor.floats)
    }
    if let (name, _) = found.values.min(by: { $0.name < $1.name }) {
      throw ExchangeError.unknownTensor(path: path, name: name, model: "\(model)")
    }
    self.init(
      configuration: configuration, state: TrainingState(), trainImages: nil, tensors: tensors)
  }
}

extension Checkpoint {
  /// What a program needs besides the model, in words.
  var properties: [(name: String, value: String)] {
    let format = configuration.imageFormat
    let statistics = format.normalization
    func list(_ numbers: [Double]) -> String { numbers.map { "\($0)" }.joined(separator: ",") }
    return [
      ("mean", list(statistics.mean)),
      ("standard_deviation", list(statistics.standardDeviation)),
      ("classes", format.classNames.joined(separator: ",")),
    ]
  }
}

extension HostTensor {
  fileprivate func reshaped(to shape: Shape) -> HostTensor {
    HostTensor(TensorType(shape, dtype), bytes: bytes)
  }
}

extension Shape {
  fileprivate var withoutOnes: [Int] { dimensions.filter { $0 != 1 } }
}
