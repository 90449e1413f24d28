import ArgumentParser
import IsometryTheory

/// A residual network as the theory sees it, without its weight scale.
struct ResidualArguments: ParsableArguments {
  @OptionGroup var activation: ActivationArguments

  @Option(help: ArgumentHelp("Residual blocks.", valueName: "n"))
  var depth: Int

  @Option(help: ArgumentHelp("Standard deviation of the biases.", valueName: "s"))
  var sigmaB = 0.0

  @Option(help: ArgumentHelp("The factor of the skips.", valueName: "a"))
  var skipWeight = 1.0

  @Option(help: ArgumentHelp("Mean of the input's elements.", valueName: "x"))
  var mean = 0.0

  @Option(help: ArgumentHelp("Mean square of the input's elements.", valueName: "x"))
  var meanSquare = 1.0

  @Option(
    help: ArgumentHelp(
      """
      Variance of W₁ times its fan-in, for branches W₂·φ(W₁·x + b). (default: branches are φ(W·x + b))
      """, valueName: "v"))
  var firstVariance: Double?

  @Option(
    help: ArgumentHelp(
      "Kernel size of convolutions with zero padding; needs --image. (default: dense layers)",
      valueName: "k"))
  var kernel: Int?

  @Option(
    help: ArgumentHelp("Height and width of the image for --kernel.", valueName: "h,w"))
  var image: CommaList<Int>?

  func validate() throws {
    guard (kernel == nil) == (image == nil) else {
      throw ValidationError("--kernel and --image belong together: --kernel 3 --image 32,32")
    }
    if let image, image.elements.count != 2 {
      throw ValidationError("--image should be two whole numbers as in 32,32")
    }
  }

  func model(weightDeviation: Double = 1) throws -> ResidualModel {
    var model = ResidualModel(
      activation: try activation.function(), depth: depth, weightDeviation: weightDeviation)
    model.biasDeviation = sigmaB
    model.skipWeight = skipWeight
    model.inputMean = mean
    model.inputMeanSquare = meanSquare
    if let firstVariance { model.branch = .twoLayer(firstVariance: firstVariance) }
    if let kernel, let size = image?.elements {
      model.paddingFactor = try ZeroPadding.factor(
        kernel: kernel, height: size[0], width: size[1])
    }
    return model
  }
}
