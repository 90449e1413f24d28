public import IsometryCore

/// Weights that cannot be exchanged with another program. The description is one line with a remedy.
public enum ExchangeError: ExplainedError, Equatable {
  /// The file lacks a tensor of the network.
  case missingTensor(path: String, name: String, torchName: String, model: String)
  /// The file has tensors that the network does not have; the first is named.
  case unknownTensor(path: String, name: String, model: String)
  /// Two tensors of the file are one of the network.
  case repeatedTensor(path: String, name: String)
  /// A tensor has another shape than the network's.
  case otherShape(path: String, name: String, expected: Shape, found: Shape)
  /// A tensor holds whole numbers.
  case notNumbers(path: String, name: String, type: String)
  /// A weight or a statistic is not a finite number.
  case notFinite(name: String)
  /// ONNX has no operator for an operation of the network.
  case unsupportedOperation(String)
  /// The weights are more than an ONNX file holds, in bytes.
  case tooLarge(byteCount: Int)

  public var explanation: Explanation {
    switch self {
    case .missingTensor(let path, let name, let torchName, let model):
      """
      \(path) lacks \(torchName == name ? name : "\(torchName) (here \(name))") of \(model); name the \
      model, normalization and initialization of these weights. Shortcuts without weights \
      (option A) are not supported
      """
    case .unknownTensor(let path, let name, let model):
      """
      \(path) holds \(name), which \(model) does not have; name the model, normalization and \
      initialization of these weights
      """
    case .repeatedTensor(let path, let name):
      "\(path) holds \(name) under two names; remove one of them"
    case .otherShape(let path, let name, let expected, let found):
      """
      \(path) has \(name) as \(found), and the network as \(expected); name the model and the data \
      set of these weights. The networks here begin with a 3×3 convolution of stride 1
      """
    case .notNumbers(let path, let name, let type):
      "\(path) has \(name) as \(type); weights are floating-point numbers"
    case .notFinite(let name):
      "\(name) is not a finite number, so other programs cannot compute with it; export another checkpoint"
    case .unsupportedOperation(let name):
      "the network has the operation \(name), which is not translated to ONNX"
    case .tooLarge(let byteCount):
      """
      the weights take \(byteCount >> 20) MiB, and an ONNX file holds less than 2048; export them \
      as safetensors
      """
    }
  }
}
