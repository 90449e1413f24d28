import ArgumentParser
import Foundation
import IsometryFiles
import IsometryTheory

struct TheoryFeedForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "feedforward",
    abstract: "Compute the law of the squared singular values λ of a plain network.",
    discussion: """
      Examples:
        isometry theory feedforward --weights orthogonal --open-probability 0.5 \\
          --depth 20
        isometry theory feedforward --weights orthogonal --activation tanh \\
          --variance 0.05 --depth 50 --at 0.5 1 2 --plot tanh.svg

      With --open-probability, the slope of each unit is 1 with that probability and 0 otherwise. \
      With --activation, it is the slope at pre-activations of variance q. Without --chi, the \
      network is critical: the mean of λ is 1.
      """)

  @Option(help: "The law of the weights.")
  var weights: WeightLaw

  @Option(help: ArgumentHelp("Probability of the slope 1; the other slopes are 0.", valueName: "p"))
  var openProbability: Double?

  @Option(
    help: ArgumentHelp(
      "An activation instead of --open-probability; needs --variance.", valueName: "name"))
  var activation: String?

  @Option(help: ArgumentHelp("The slope of leaky-relu or the α of elu.", valueName: "x"))
  var parameter: Double?

  @Option(help: ArgumentHelp("Variance q of the pre-activations.", valueName: "q"))
  var variance: Double?

  @Option(help: ArgumentHelp("Number of layers.", valueName: "n"))
  var depth: Int

  @Option(help: ArgumentHelp("χ, the mean of λ for one layer.", valueName: "x"))
  var chi = 1.0

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values of λ at which to print density and survival function.", valueName: "λ"))
  var at: [Double] = []

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard (openProbability == nil) != (activation == nil) else {
      throw ValidationError("give one of --open-probability and --activation")
    }
    guard (activation == nil) == (variance == nil) else {
      throw ValidationError("--activation and --variance belong together: give both or neither")
    }
    guard parameter == nil || activation != nil else {
      throw ValidationError("--parameter needs --activation")
    }
  }

  func run() throws {
    try checkPoints(at, "λ", expected: "0 or above") { $0 >= 0 }
    try checkPoints(at, "λ", expected: "0 or at least \(Self.leastLambda)") {
      $0 == 0 || $0 >= Self.leastLambda
    }
    let console = Console(isJSON: form.json)
    let (law, variance) = try lawAndVariance()
    let zero = law.atoms.first { $0.lambda == 0 }?.mass ?? 0
    let largest = law.logLargest
    let top = law.massAtLargest
    guard largest > log(Self.leastLambda), exp(largest) < .infinity, variance.isFinite,
      variance >= .leastNormalMagnitude || law.atoms.contains(where: { $0.mass == 1 })
    else {
      throw TheoryError.outsideDomain(
        parameter: "χ", value: chi, expected: "nearer to 1, for λ to be a number at this depth")
    }
    console.say("largest λ      \(Wording.number(exp(largest)))")
    console.say("variance of λ  \(Wording.number(variance))")
    console.say("mass at 0      \(Wording.number(zero))")
    if top > 0 {
      console.say("mass at \(Wording.number(exp(largest)))  \(Wording.number(top))")
    }
    console.say("")
    let table = console.table(
      ["λ": "lambda", "density": "density", "P(λ′ > λ)": "survival"],
      at.isEmpty ? curve(law) : at.map { row(law, at: $0) })
    console.emit([
      "lambda_max": .number(exp(largest)),
      "variance": .number(variance),
      "atom_at_zero": .number(zero),
      "atom_at_top": .number(top),
      "points": table,
    ])
    try picture.write(plot(law), console: console)
  }

  /// Below this the density of λ may be no number of Double.
  private static let leastLambda = 1e-290

  private func row(_ law: any SpectralLaw, at lambda: Double) -> [Double] {
    let survival =
      lambda > 0 ? law.survival(atLog: log(lambda)) : 1 - law.cumulative(at: 0)
    return [lambda, law.density(at: lambda), survival]
  }

  private func curve(_ law: any SpectralLaw) -> [[Double]] {
    law.curve(count: 12).filter { $0.logLambda >= log(Self.leastLambda) }.map { point in
      let lambda = exp(point.logLambda)
      return [lambda, point.logDensity / lambda, point.survival]
    }
  }

  private func lawAndVariance() throws -> (law: any SpectralLaw, variance: Double) {
    let law: any SpectralLaw
    let spread: Double  // the relative variance of the squared slopes
    if let openProbability {
      let probability = try OpenProbability(openProbability)
      law = try weights.law(openProbability: probability, depth: depth, slope: chi)
      spread = probability.odds
    } else {
      var arguments = ActivationArguments()
      arguments.activation = activation ?? ""
      arguments.parameter = parameter
      let function = try arguments.function()
      law = try function.plainNetworkLaw(
        variance: variance ?? 0, weights: weights, depth: depth, slope: chi)
      spread = try function.relativeSlopeVariance(variance: variance ?? 0)
    }
    let scale = exp(2 * Double(depth) * log(chi))
    return (law, Double(depth) * (weights == .gaussian ? spread + 1 : spread) * scale)
  }

  private func plot(_ law: any SpectralLaw) -> Plot {
    // Of a law that reaches down to 0, three decades of σ.
    let least = law.logLargest + log(1e-6)
    let points = law.curve(count: 1000).filter { $0.logLambda > least }.map { point in
      (x: exp(point.logLambda / 2), y: 2 * point.logDensity)
    }
    let what =
      openProbability.map { "open probability \(Wording.number($0))" }
      ?? "\(activation ?? "") at q = \(Wording.number(variance ?? 0))"
    let atoms = law.atoms.filter { $0.lambda > 0 }
      .map { (x: $0.lambda.squareRoot(), y: $0.mass) }
    return Plot(
      title: "\(depth) layers, \(weights.rawValue) weights, \(what)",
      x: Plot.Axis("singular value σ", column: "sigma", isLogarithmic: true),
      y: Plot.Axis("density of log σ", column: "density"),
      series: [Plot.Series("density", .line, points)]
        + (atoms.isEmpty ? [] : [Plot.Series("mass of a point", .points, atoms)]))
  }
}
