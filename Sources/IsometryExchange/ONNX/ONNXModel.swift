import Foundation
import IsometryCore
import IsometryGraph
import IsometryNN
public import IsometryTraining
import SwiftProtobuf

/// A trained network as an ONNX model: from normalized images `images`, fp32 [N, C, H, W] for any N, to
/// `logits`, fp32 [N, classes].
///
/// Standardized weights become plain ones. The model's properties hold the mean and the standard deviation
/// with which pixels are normalized.
///
/// - Source: Open Neural Network Exchange, operator set 17.
public struct ONNXModel: Sendable {
  /// The version of the operators, which ONNX Runtime knows from 1.12 on.
  static let operatorSet: Int64 = 17
  private static let formatVersion: Int64 = 8
  /// Messages of protobuf are smaller.
  private static let mostBytes = 1 << 31

  let model: ONNXModelProto

  /// Translates the network of a checkpoint in evaluation mode.
  ///
  /// - Parameter foldsNormalization: whether Batch Normalization becomes part of the weights and biases
  ///   before it.
  /// - Throws: `ExchangeError`; otherwise as `RunConfiguration.makeNetwork`.
  public init(of checkpoint: Checkpoint, foldsNormalization: Bool) throws {
    let network = try checkpoint.configuration.makeNetwork()
    var builder = network.makeBuilder(mode: .evaluation)
    let images = builder.graph.input(Self.images, network.batchShape(1))
    let logits = network.append(images, to: &builder).logits
    builder.graph.output(Self.logits, logits)
    var translation = ONNXTranslation(
      of: builder.graph, variables: checkpoint.tensors, foldsNormalization: foldsNormalization)
    try translation.translate()

    var graph = translation.result
    graph.name = checkpoint.configuration.model
    graph.input = [Self.batch(Self.images, network.imageShape.dimensions)]
    graph.output = [Self.batch(Self.logits, [network.classes])]
    var model = ONNXModelProto()
    model.irVersion = Self.formatVersion
    model.producerName = "isometry"
    model.opsetImport = [.with { ($0.domain, $0.version) = ("", Self.operatorSet) }]
    model.graph = graph
    model.metadataProps = checkpoint.properties.map { name, value in
      .with { ($0.key, $0.value) = (name, value) }
    }
    let byteCount = graph.initializer.reduce(0) { $0 + $1.rawData.count }
    guard byteCount < Self.mostBytes - (1 << 20) else {
      throw ExchangeError.tooLarge(byteCount: byteCount)
    }
    self.model = model
  }

  static let images = "images"
  static let logits = "logits"

  /// The file's bytes.
  public func serialized() throws -> [UInt8] { [UInt8](try model.serializedData()) }

  /// A value with one entry for each of N images.
  private static func batch(_ name: String, _ shape: [Int]) -> ONNXValueInfoProto {
    let count = ONNXTensorShapeProto.Dimension.with { $0.dimParam = "N" }
    let rest = shape.map { extent in
      ONNXTensorShapeProto.Dimension.with { $0.dimValue = Int64(extent) }
    }
    return .with {
      $0.name = name
      $0.type.tensorType.elemType = Int32(ONNXTensorProto.DataType.float.rawValue)
      $0.type.tensorType.shape.dim = [count] + rest
    }
  }
}
