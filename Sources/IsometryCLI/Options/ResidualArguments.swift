import ArgumentParser
import IsometryTheory

/// A residual network as the theory sees it, without its weight scale.
struct ResidualArguments: ParsableArguments {
  @OptionGroup var activation: ActivationArguments

  @Option(help: ArgumentHelp("Residual blocks.", valueName: "n"))
  var depth: Int

  @Option(help: ArgumentHelp("Standard deviation of the biases.", valueName: "s"))
  var sigmaB = 0.0

  @Option(help: ArgumentHelp("What the skips multiply by.", valueName: "a"))
  var skipWeight = 1.0

  @Option(help: ArgumentHelp("Of the elements of the input.", valueName: "x"))
  var mean = 0.0

  @Option(help: ArgumentHelp("Of the elements of the input.", valueName: "x"))
  var meanSquare = 1.0

  @Option(
    help: ArgumentHelp(
      "The variance, times the fan-in, of the first weight of branches W₂·φ(W₁·x + b). (default: "
        + "branches are φ(W·x + b))", valueName: "v"))
  var firstVariance: Double?

  @Option(
    help: ArgumentHelp(
      "The size of the kernel of convolutions padded with zeros, with --image. (default: dense)",
      valueName: "k"))
  var kernel: Int?

  @Option(
    help: ArgumentHelp("Pixels of the image that --kernel convolves.", valueName: "h,w"))
  var image: NumberList?

  func validate() throws {
    guard (kernel == nil) == (image == nil) else {
      throw ValidationError("--kernel and --image belong together: --kernel 3 --image 32,32")
    }
    if let image,
      image.numbers.count != 2 || image.numbers.contains(where: { Int(exactly: $0) == nil })
    {
      throw ValidationError("--image should be two whole numbers as in 32,32")
    }
  }

  /// - Throws: `TheoryError` for parameters outside of their domain.
  func model(weightDeviation: Double = 1) throws -> ResidualModel {
    var model = ResidualModel(
      activation: try activation.function(), depth: depth, weightDeviation: weightDeviation)
    model.biasDeviation = sigmaB
    model.skipWeight = skipWeight
    model.inputMean = mean
    model.inputMeanSquare = meanSquare
    if let firstVariance { model.branch = .twoLayer(firstVariance: firstVariance) }
    if let kernel, let size = image?.numbers {
      model.paddingFactor = try ZeroPadding.factor(
        kernel: kernel, height: Int(size[0]), width: Int(size[1]))
    }
    return model
  }
}
