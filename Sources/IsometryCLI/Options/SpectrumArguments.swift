import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import IsometryTraining

struct InputArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Number of inputs. spectrum measures a Jacobian at each (1 to \(Self.mostInputs), default 1). \
      inspect compares their signals (2 to \(InspectCommand.inputCounts.upperBound), default \
      \(InspectCommand.defaultInputs)).
      """, valueName: "k"))
  var inputs: Int?

  @Option(help: ArgumentHelp("Seed of the inputs, and first seed of the weights.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      """
      The inputs: test images of a directory, test images of the \
      \(DatasetSource.syntheticName) pictures, or \(Self.gaussian) noise of mean 0 and variance 1.
      """, valueName: "dir|synthetic|gaussian"))
  var data = Self.gaussian

  static let gaussian = "gaussian"
  /// More inputs than this have averaged everything away.
  static let mostInputs = 10_000

  func validate() throws { try checkPath(data, "--data") }

  /// The test images, and a line that describes them; nil for noise.
  func dataset() throws -> (images: ImageDataset, explanation: String)? {
    guard data != Self.gaussian else { return nil }
    let source = try DatasetSource.resolve(option: data, environment: nil)
    try source.prepareShowingProgress()
    return (try source.load(.test), source.explanation.inProgramTerms)
  }

  /// The inputs of a network, and a line that describes them.
  func images(
    _ count: Int, of configuration: RunConfiguration
  ) throws -> (images: [[Double]], explanation: String) {
    guard let (dataset, explanation) = try dataset() else {
      let images = (0..<count).map { index in
        var random = RandomStream(seed: seed, stream: UInt64(index))
        return random.normals(configuration.imageFormat.bytesPerImage)
      }
      return (images, "\(count) input\(count == 1 ? "" : "s") of Gaussian noise")
    }
    try configuration.requireShapes(of: dataset)
    return (try Self.heldOut(count, of: dataset, seed: seed), explanation)
  }

  /// The initializer, after it has measured on the inputs if it needs them.
  func initializer(
    of configuration: RunConfiguration, _ network: any Network
  ) throws -> any Initializer {
    let initializer = try configuration.makeInitializer()
    guard initializer.imagesNeeded > 0 else { return initializer }
    let images = try images(initializer.imagesNeeded, of: configuration).images
    let tensor = HostTensor(network.batchShape(images.count), Array(images.joined()))
    return try initializer.resolved(
      for: network, seed: seed, images: tensor, on: DeviceSelection.measuring)
  }

  /// The batch for the statistics of Batch Normalization at initial weights: the inputs, or more of
  /// their kind if they are few.
  func normalizationImages(of configuration: RunConfiguration) throws -> [[Double]] {
    guard configuration.normalization == .batch else { return [] }
    return try images(
      min(
        max(inputs ?? 1, Self.normalizationBatches.lowerBound),
        Self.normalizationBatches.upperBound),
      of: configuration
    ).images
  }

  private static let normalizationBatches = 64...256

  /// Some images of a split, the same for the same seed.
  static func heldOut(
    _ count: Int, of dataset: ImageDataset, seed: UInt64
  ) throws(UsageError) -> [[Double]] {
    guard count <= dataset.count else {
      throw UsageError(
        "--inputs", "should be at most the \(dataset.count) images of the test split")
    }
    var random = RandomStream(seed: seed)
    return random.permutation(dataset.count).prefix(count).map {
      dataset.normalizedImage(Int($0))
    }
  }
}

struct SpectrumArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Number of draws of the initial weights.", valueName: "n"))
  var seeds = 1

  @Option(
    help: """
      The start of the Jacobian: the image, or the output of the first layer. The laws describe \
      the layers after the first one. (default: stack for perceptrons, otherwise input)
      """)
  var from: JacobianSection.Start?

  @Option(help: "The end of the Jacobian: before the pooling, after it, or the logits.")
  var to = JacobianSection.End.features

  func validate() throws {
    try checkRange(seeds, "--seeds", 1...InputArguments.mostInputs)
  }
}

struct SpectrumMethodArguments: ParsableArguments {
  @Option(
    help: """
      dense computes all singular values. lanczos estimates them by quadrature, for very large \
      Jacobians. auto uses dense up to \(SpectrumStudy.automaticDense) singular values, and up to \
      \(NetworkInspection.automaticDense) for the segments of a network.
      """)
  var method = SpectrumMethod.auto
}

struct MeasurementDeviceArguments: ParsableArguments {
  @OptionGroup var device: DeviceArguments

  @Option(
    help: """
      The type of activations and tangents. fp64 needs initial weights and runs on the reference \
      device. (default: \(Precision.fp32.rawValue))
      """)
  var precision: Precision?

  func apply(to configuration: inout RunConfiguration) {
    device.apply(to: &configuration)
    configuration.precision = precision ?? .fp32
  }

  /// The device; for fp64 the reference backend in Double.
  func select(
    _ configuration: RunConfiguration, _ environment: ProgramEnvironment
  ) throws -> (backend: any Backend, explanation: String) {
    if configuration.precision == .fp64,
      device.device == nil || device.device == .auto || device.device == .reference
    {
      if device.gemm == .clblast {
        throw UsageError("--gemm", "clblast has no effect: the reference device computes fp64")
      }
      let backend = ReferenceBackend<Double>()
      return (backend, "\(backend.name): \(backend.deviceDescription), for fp64")
    }
    var configuration = configuration
    let selection = try device.select(for: &configuration, environment)
    return (selection.backend, selection.explanation)
  }
}
