import IsometryCPU
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryOpenCL
import IsometryTraining
import OpenCLRuntime

/// Trains ResNet-20 with Batch Normalization on the built-in pictures, on a GPU if there is one.
@main
enum Program {
  static func main() throws {
    var configuration = RunConfiguration(optimizer: .sgd, normalization: .batch)
    configuration.model = "resnet20"
    configuration.initializer = "he"
    configuration.epochs = 4

    let train = SyntheticImages.make(.train, count: 5_120)
    let test = SyntheticImages.make(.test, count: 1_000)
    let backend = try makeBackend()
    print("device: \(backend.deviceDescription)")

    let run = try TrainingRun(configuration, train: train, test: test, backend: backend)
    print("\(run.parameterCount) parameters, \(run.session.report.launchesPerStep) launches a step")

    let trainer = try run.makeTrainer(savingTo: nil)
    _ = try trainer.run { event in
      guard case .epochEnded(let record) = event else { return }
      print(
        "epoch \(record.epoch): loss \(Float(record.trainLoss)), "
          + "test accuracy \(Float(record.testAccuracy)), "
          + "\(Int(record.imagesPerSecond)) images/s")
    }
  }

  /// The first GPU that OpenCL reports; the CPU if there is none.
  static func makeBackend() throws -> any Backend {
    for (number, device) in try Device.all().enumerated() where device.kind == .gpu {
      return try OpenCLBackend(device, number: number)
    }
    return CPUBackend()
  }
}
