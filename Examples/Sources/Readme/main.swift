import IsometryCPU
import IsometryData
import IsometryTraining

// CIFAR-10 in ./data, or the built-in pictures.
let source = try DatasetSource.resolve(option: nil, environment: nil)

var configuration = RunConfiguration()
configuration.model = "resnet20"
configuration.normalization = .none
configuration.skip = .convolution
configuration.initializer = "risotto"
configuration.learningRate = 0.05
configuration.clipNorm = 1

let run = try TrainingRun(
  configuration, train: source.load(.train), test: source.load(.test), backend: CPUBackend())
_ = try run.makeTrainer(savingTo: nil).run { event in
  if case .epochEnded(let record) = event { print(record) }
}
