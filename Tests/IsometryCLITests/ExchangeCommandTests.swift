import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryTraining
import Testing

@Suite struct ExchangeCommandTests {
  /// A folder of images of 12×10 pixels: one class is red, one green.
  private static func writeImages(to folder: String) throws {
    for (label, name) in ["red", "green"].enumerated() {
      let place = "\(folder)/\(name)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      for index in 0..<20 {
        let bytes = (0..<12 * 10 * 3).map { position in
          UInt8(position % 3 == label ? 200 + index : (position * 31 + index * 7) % 60)
        }
        let image = PixelImage(width: 12, height: 10, bytes: bytes)
        try WholeFile.write([image.png], to: "\(place)/" + String(format: "%02d.png", index))
      }
    }
  }

  /// Trains on the images, exports the network, imports it again, and classifies files.
  @Test func aRunIsExportedImportedAndPredicts() throws {
    try withFolder { folder in
      try Self.writeImages(to: "\(folder)/images")
      func run(_ arguments: String...) throws -> Program {
        let result = try Program.run(arguments, in: folder)
        #expect(result.code == 0, "\(arguments): \(result.standardError)")
        return result
      }
      _ = try run(
        "train", "--data", "images", "--model", "resnet8", "--epochs", "10", "--batch", "9",
        "--lr", "0.05", "--augment", "flip", "--device", "cpu", "--output", "run")
      let trained = try run("evaluate", "run", "--device", "cpu", "--json").objects()[0]
      #expect(
        (trained["classes"] as? [[String: Any]])?.map { $0["name"] as? String } == ["green", "red"])

      _ = try run("export", "run", "--format", "torch-names", "--output", "weights.safetensors")
      let file = try Safetensors(contentsOf: "\(folder)/weights.safetensors")
      #expect(file.tensors["layer2.0.shortcut.0.weight"]?.shape == [32, 16, 1, 1])
      #expect(file.tensors["linear.weight"]?.shape == [2, 64])
      #expect(!file.tensors.keys.contains { $0.hasPrefix("training/") })
      let exported = try run(
        "export", "run", "--format", "onnx", "--fold-normalization", "--output", "net.onnx",
        "--json")
      #expect((try exported.objects()[0]["tensors_left_out"] as? Int ?? 0) > 0)

      _ = try run(
        "import", "weights.safetensors", "--model", "resnet8", "--data", "images", "--output",
        "imported")
      let imported = try run("evaluate", "imported", "--device", "cpu", "--json").objects()[0]
      for key in ["test_loss", "test_accuracy"] {
        #expect(imported[key] as? Double == trained[key] as? Double)
      }
      #expect(trained["test_accuracy"] as? Double == 1)

      let files = ["images/red/00.png", "images/green/05.png"]
      let predicted = try Program.run(
        ["predict", "imported"] + files + ["--top", "1", "--device", "cpu", "--json"], in: folder)
      #expect(predicted.code == 0, "\(predicted.standardError)")
      for (object, name) in zip(try predicted.objects(), ["red", "green"]) {
        let best = (object["classes"] as? [[String: Any]])?.first
        #expect(best?["name"] as? String == name)
        #expect((best?["probability"] as? Double ?? 0) > 0.5)
      }
      let missing = try Program.run("predict", "imported", "nope.png", in: folder)
      #expect(missing.code == 1 && missing.standardError.contains("nope.png"))
      #expect(!missing.standardError.contains("CIFAR"), "\(missing.standardError)")
      let other = try Program.run(
        "evaluate", "run", "--data", "synthetic", "--device", "cpu", in: folder)
      #expect(other.code == 64)
      #expect(other.standardError.contains("holds 10 classes of 32×32 pixels"))
      let plain = try Program.run("evaluate", "weights.safetensors", in: folder)
      #expect(plain.code == 1 && plain.standardError.contains("isometry import"))
      let otherModel = try Program.run(
        "import", "weights.safetensors", "--model", "resnet20", "--output", "x", in: folder)
      #expect(otherModel.code == 64, "\(otherModel.standardError)")
    }
  }

  @Test func dataSetsAreInspected() throws {
    try withFolder { folder in
      try Self.writeImages(to: "\(folder)/images")
      try FileManager.default.copyItem(
        atPath: "\(folder)/images/red/00.png", toPath: "\(folder)/images/red/20.png")
      let result = try Program.run(
        "dataset", "inspect", "--data", "images", "--sheet", "sheet.png", "--json", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let objects = try result.objects()
      #expect(objects.map { $0["images"] as? Int } == [37, 4, nil])
      #expect(objects[2]["duplicates_in_train"] as? [[Int]] == [[36, 18]])
      #expect((objects[2]["test_in_train"] as? [Any])?.isEmpty == true)
      let sheet = try PixelImage(contentsOf: "\(folder)/sheet.png")
      #expect((sheet.width, sheet.height) == (142, 26))
      let labels = try Program.run(
        "dataset", "info", "--data", "images", "--labels", "coarse", in: folder)
      #expect(labels.code == 64 && labels.standardError.contains("CIFAR-100"))
      let converted = try Program.run("dataset", "convert", "images", "other", in: folder)
      #expect(converted.code == 0, "\(converted.standardError)")
    }
  }
}
