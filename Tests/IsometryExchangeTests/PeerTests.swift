import Foundation
import IsometryData
import IsometryFiles
import IsometryNN
import IsometryTraining
import TestSupport
import Testing

@testable import IsometryExchange

/// Exported networks in PyTorch and ONNX Runtime, by the scripts of scripts/reference.
@Suite struct PeerTests {
  private struct Case {
    let model: String
    let normalization: NormalizationKind
    var initializer = "he"
    var activation: String?

    var name: String {
      "\(model)-\(normalization)-\(initializer)-\(activation ?? "own")"
        .replacing(":", with: "-").replacing("=", with: "-")
    }
  }

  /// Every kind of network with every normalization. The slow tests take every network.
  private static var networks: [Case] {
    let models = ["resnet8", "mlp:2x20", "resmlp:3x16", "resconv:3x8", "speedrun:8x16x16"]
    let cases =
      NormalizationKind.allCases.flatMap { normalization in
        models.map { Case(model: $0, normalization: normalization) }
      } + ["resnet20", "resnet18", "resnet50"].map { Case(model: $0, normalization: .batch) }
    guard ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] == "1" else { return cases }
    let others = ModelSpecification.Residual.allCases.map(\.rawValue)
    return cases
      + others.filter { name in !cases.contains { $0.model == name } }.flatMap { name in
        NormalizationKind.allCases.map { Case(model: name, normalization: $0) }
      }
  }

  /// What initializers add to blocks, and every activation.
  private static var variants: [Case] {
    let activations = [
      "leaky-relu:0.2", "linear", "tanh", "hard-tanh", "sigmoid", "erf", "unit-erf", "selu",
      "elu:0.5", "softplus", "silu", "gelu", "srelu",
    ]
    return ["fixup", "rezero", "risotto"].map {
      Case(model: "resnet8", normalization: .none, initializer: $0)
    } + activations.map { Case(model: "mlp:2x20", normalization: .batch, activation: $0) }
  }

  /// Writes images and logits of a network to a folder of its own.
  private func write(_ item: Case, to folder: String) throws -> (path: String, Checkpoint) {
    let images = SmallRun.test.prefix(3)
    let checkpoint = try Checkpoint.random(
      item.model, item.normalization, initializer: item.initializer, activation: item.activation)
    let path = "\(folder)/\(item.name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Safetensors(tensors: [
      "images": images.normalizedImages(images.count), "logits": checkpoint.logits(of: images),
    ]).write(to: "\(path)/data.safetensors")
    return (path, checkpoint)
  }

  @Test(
    .enabled(
      if: Python.has("onnx, onnxruntime, safetensors.numpy"),
      "Python does not import the packages of scripts/reference/requirements-readers.txt"))
  func logitsAreThoseOfONNXRuntime() throws {
    try withFolder { folder in
      for item in Self.networks + Self.variants {
        let (path, checkpoint) = try write(item, to: folder)
        for (name, folds) in [("plain", false), ("folded", true)] {
          let model = try ONNXModel(of: checkpoint, foldsNormalization: folds)
          try WholeFile.write([model.serialized()], to: "\(path)/\(name).onnx")
        }
      }
      let outcome = try Python.run(script: "check_onnx.py", folder)
      #expect(outcome.status == 0, "\(outcome.standardOutput)\(outcome.lastErrorLine)")
    }
  }

  @Test(
    .enabled(
      if: Python.has("torch, safetensors.torch"),
      "Python does not import the packages of scripts/reference/requirements-readers.txt"))
  func logitsAreThoseOfPyTorchBothWays() throws {
    try withFolder { folder in
      var saved: [(path: String, checkpoint: Checkpoint)] = []
      for item in Self.networks {
        let (path, checkpoint) = try write(item, to: folder)
        try checkpoint.exported(hasTorchNames: true).write(to: "\(path)/names.safetensors")
        let description: JSONValue = [
          "model": .text(item.model), "normalization": .text(item.normalization.rawValue),
        ]
        try WholeFile.write([Array(description.line.utf8)], to: "\(path)/case.json")
        saved.append((path, checkpoint))
      }
      let outcome = try Python.run(script: "check_torch.py", folder)
      #expect(outcome.status == 0, "\(outcome.standardOutput)\(outcome.lastErrorLine)")
      // PyTorch's state_dict, with its counters of batches, is the same model.
      for (path, checkpoint) in saved {
        let back = try Checkpoint(
          importing: "\(path)/back.safetensors", as: checkpoint.configuration)
        #expect(back.tensors == checkpoint.tensors)
      }
    }
  }
}
