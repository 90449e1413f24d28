import ArgumentParser
import IsometryCore
import IsometryData
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

/// Of what the spectrum is measured.
struct SpectrumArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Inputs at which the Jacobian is taken.", valueName: "k"))
  var inputs = 1

  @Option(help: ArgumentHelp("Draws of the initial weights.", valueName: "s"))
  var seeds = 1

  @Option(help: ArgumentHelp("The first seed of weights, and that of inputs.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(help: "Where the Jacobian ends: before the pooling, after it, or at the logits.")
  var output = JacobianSection.End.features

  @Option(
    help: """
      Where the Jacobian starts: at the image, or behind the first layer, where the layers of one \
      width begin that the laws describe. (default: stack for perceptrons, input else)
      """)
  var from: JacobianSection.Start?

  @Option(
    help: """
      All singular values, or Lanczos quadrature, which is for very large Jacobians; auto takes all \
      up to \(SpectrumStudy.automaticDense).
      """)
  var method = SpectrumMethod.auto

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
    for (option, value) in [("--inputs", inputs), ("--seeds", seeds)] {
      guard (1...Self.mostInputs).contains(value) else {
        throw ValidationError("\(option) should be 1 to \(Self.mostInputs), not \(value)")
      }
    }
  }

  /// The seeds of the weights.
  var weightSeeds: [UInt64] { (0..<UInt64(seeds)).map { seed &+ $0 } }

  /// The inputs, and what they are in words.
  ///
  /// - Parameter count: how many; nil for `inputs`.
  /// - Throws: `DatasetError`; `ConfigurationError` where the split has too few images.
  func images(_ count: Int? = nil) throws -> (images: [[Double]], explanation: String) {
    let inputs = count ?? inputs
    guard data != Self.gaussian else {
      let images = (0..<inputs).map { index in
        var random = RandomStream(seed: seed, stream: UInt64(index))
        return random.normals(ImageDataset.bytesPerImage)
      }
      return (images, "\(inputs) input\(inputs == 1 ? "" : "s") of Gaussian noise")
    }
    let source = try DatasetSource.resolve(option: data, environment: nil)
    return (try Self.heldOut(inputs, of: source.load(.test), seed: seed), source.explanation)
  }

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
