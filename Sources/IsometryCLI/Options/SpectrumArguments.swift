import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import IsometryTraining

/// The type that a Jacobian is computed in.
struct SpectrumPrecisionArgument: ExpressibleByArgument {
  let dtype: DType

  static let allValueStrings = [DType.float32, .float64, .bfloat16, .float16].map(\.rawValue)

  init?(argument: String) {
    guard Self.allValueStrings.contains(argument), let dtype = DType(rawValue: argument) else {
      return nil
    }
    self.dtype = dtype
  }
}

/// The inputs at which a network is looked at.
struct InputArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Inputs: where Jacobians are taken (1 to \(Self.mostInputs), default 1), or for inspect those \
      whose signals are compared (2 to \(InspectCommand.inputCounts.upperBound), default \
      \(InspectCommand.defaultInputs)).
      """, valueName: "k"))
  var inputs: Int?

  @Option(help: ArgumentHelp("The first seed of weights, and that of inputs.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      """
      Inputs from the test split of CIFAR-10's binary batches in a directory, of 'synthetic' \
      pictures, or 'gaussian' noise of mean 0 and variance 1.
      """, valueName: "dir|synthetic|gaussian"))
  var data = Self.gaussian

  static let gaussian = "gaussian"
  /// More inputs than this have averaged everything away.
  static let mostInputs = 10_000

  func validate() throws {
    try checkPath(data, "--data")
  }

  /// - Parameter reason: why not others, or what else takes them.
  static func check(
    _ value: Int, option: String, from least: Int, to most: Int, because reason: String? = nil
  ) throws {
    guard (least...most).contains(value) else {
      let refusal = "\(option) should be \(least) to \(most), not \(value)"
      throw ArgumentParser.ValidationError(reason.map { "\(refusal): \($0)" } ?? refusal)
    }
  }

  /// So many inputs, and what they are in words.
  ///
  /// - Throws: `DatasetError`; `ConfigurationError` where the split has too few images.
  func images(_ count: Int) throws -> (images: [[Double]], explanation: String) {
    guard data != Self.gaussian else {
      let images = (0..<count).map { index in
        var random = RandomStream(seed: seed, stream: UInt64(index))
        return random.normals(ImageDataset.bytesPerImage)
      }
      return (images, "\(count) input\(count == 1 ? "" : "s") of Gaussian noise")
    }
    let source = try DatasetSource.resolve(option: data, environment: nil)
    return (try Self.heldOut(count, of: source.load(.test), seed: seed), source.explanation)
  }

  /// The initializer, which has seen as many of the inputs as it measures on.
  func initializer(
    of configuration: RunConfiguration, _ network: any Network
  ) throws -> any Initializer {
    let initializer = try configuration.makeInitializer()
    guard initializer.imagesNeeded > 0 else { return initializer }
    let images = try images(initializer.imagesNeeded).images
    let tensor = HostTensor(network.batchShape(images.count), Array(images.joined()))
    return try initializer.resolved(
      for: network, seed: seed, images: tensor, on: DeviceSelection.measuring)
  }

  /// The batch whose statistics Batch Normalization has where initial weights are measured: the inputs,
  /// or more of their kind where they are few.
  func normalizationImages(of configuration: RunConfiguration) throws -> [[Double]] {
    guard configuration.normalization == .batch else { return [] }
    return try images(
      min(
        max(inputs ?? 1, Self.normalizationBatches.lowerBound),
        Self.normalizationBatches.upperBound)
    ).images
  }

  private static let normalizationBatches = 64...256

  /// Some images of a split, the same for the same seed.
  ///
  /// - Throws: `ConfigurationError` where the split has too few.
  static func heldOut(
    _ count: Int, of dataset: ImageDataset, seed: UInt64
  ) throws(ConfigurationError) -> [[Double]] {
    guard count <= dataset.count else {
      throw ConfigurationError(
        "--inputs", "should be at most the \(dataset.count) images of the test split")
    }
    var random = RandomStream(seed: seed)
    return random.permutation(dataset.count).prefix(count).map {
      dataset.normalizedImage(Int($0))
    }
  }
}

/// What of the spectrum is measured.
struct SpectrumArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Draws of the initial weights.", valueName: "s"))
  var seeds = 1

  @Option(help: "Where the Jacobian ends: before the pooling, after it, or at the logits.")
  var output = JacobianSection.End.features

  @Option(
    help: """
      Where the Jacobian starts: at the image, or behind the first layer, where the layers of one \
      width begin that the laws describe. (default: stack for perceptrons, input else)
      """)
  var from: JacobianSection.Start?

  func validate() throws {
    try InputArguments.check(seeds, option: "--seeds", from: 1, to: InputArguments.mostInputs)
  }
}

/// How singular values are found.
struct SpectrumMethodArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      All singular values, or Lanczos quadrature, which is for very large Jacobians; auto takes all \
      up to \(SpectrumStudy.automaticDense), of a network's parts up to \
      \(NetworkInspection.automaticDense).
      """))
  var method = SpectrumMethod.auto
}

/// The device of a measurement, and the type that it computes in.
struct MeasurementDeviceArguments: ParsableArguments {
  @OptionGroup var device: DeviceArguments

  @Option(
    help: ArgumentHelp(
      "The type of activations and tangents; fp64 is for initial weights. (default: fp32)"))
  var precision: SpectrumPrecisionArgument?

  func apply(to configuration: inout RunConfiguration) {
    device.apply(to: &configuration)
    configuration.precision = precision?.dtype ?? .float32
  }

  /// The device; for fp64 the reference backend in Double.
  func select(
    _ configuration: RunConfiguration
  ) throws -> (backend: any Backend, explanation: String) {
    let environment = try ProgramEnvironment()
    if configuration.precision == .float64,
      device.device == nil || device.device == .auto || device.device == .reference
    {
      if device.gemm == .clblast {
        throw ConfigurationError("--gemm", "clblast has nothing to do: fp64 is the reference's")
      }
      let backend = ReferenceBackend<Double>()
      return (backend, "\(backend.name): \(backend.deviceDescription), for fp64")
    }
    var configuration = configuration
    let selection = try device.select(for: &configuration, environment)
    try selection.backend.requireSupport(for: configuration.precision)
    return (selection.backend, selection.explanation)
  }
}
