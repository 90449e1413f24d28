import Foundation
import IsometryCPU
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining
import TestSupport

/// Runs `body` with a new folder, and removes the folder.
@discardableResult
func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

extension Checkpoint {
  /// A network with random weights, biases, scales and statistics, none of which is neutral.
  static func random(
    _ model: String, _ normalization: NormalizationKind = .batch, initializer: String = "he",
    activation: String? = nil
  ) throws -> Checkpoint {
    var configuration = RunConfiguration()
    configuration.model = model
    configuration.normalization = normalization
    configuration.initializer = initializer
    configuration.activation = activation
    let layout = try configuration.makeNetwork().layout
    var random = RandomStream(seed: 7)
    func tensor(_ shape: Shape, mean: Double, deviation: Double) -> HostTensor {
      HostTensor(
        shape, random.normals(shape.elementCount).map { mean + deviation * max(-2, min(2, $0)) })
    }
    var tensors: [String: HostTensor] = [:]
    for parameter in layout.parameters {
      tensors[parameter.name] =
        switch parameter.role {
        case .convolutionWeight, .denseWeight:
          tensor(parameter.shape, mean: 0, deviation: (1 / Double(parameter.fanIn)).squareRoot())
        case .bias, .normalizationShift, .scalarBias:
          tensor(parameter.shape, mean: 0, deviation: 0.2)
        case .normalizationScale, .weightGain, .branchMultiplier:
          tensor(parameter.shape, mean: 1, deviation: 0.2)
        }
    }
    for statistic in layout.statistics {
      tensors[statistic.name] =
        statistic.kind == .mean
        ? tensor(statistic.shape, mean: 0, deviation: 0.2)
        : tensor(statistic.shape, mean: 1, deviation: 0.2)
    }
    return Checkpoint(
      configuration: configuration, state: TrainingState(), trainImages: nil, tensors: tensors)
  }

  /// The logits of the first images of a data set.
  func logits(of images: ImageDataset) throws -> HostTensor {
    let session = try makeEvaluationSession(
      configuration, batch: images.count, normalizing: images.normalization, on: CPUBackend(),
      path: "random weights")
    let slot = try session.makeStagingSlots(1)[0]
    slot.bytes(of: StepNames.images).copyBytes(from: images.pixels)
    try session.step(from: slot)
    return try session.read(output: StepNames.logits)
  }
}
