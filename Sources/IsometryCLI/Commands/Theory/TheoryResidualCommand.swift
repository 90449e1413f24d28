import ArgumentParser
import Foundation
import IsometryFiles
import IsometryTheory

struct TheoryResidualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "residual",
    abstract:
      "Compute the universal law of the squared singular values λ of a deep residual network.",
    discussion: """
      Example:
        isometry theory residual --c 0.5 --at 0.5 1 2 --plot residual.svg

      With --skip-weight a, the law is the one of c/a², multiplied by a^(2·depth). Without --at, \
      the law is printed at some points of its support.
      """)

  @Option(help: ArgumentHelp("Effective cumulant c.", valueName: "c"))
  var c: Double

  @Option(help: ArgumentHelp("The factor of the skips; needs --depth.", valueName: "a"))
  var skipWeight = 1.0

  @Option(
    help: ArgumentHelp(
      "Number of residual blocks; it matters if the skip weight is not 1. (default: 1)",
      valueName: "n")
  )
  var depth: Int?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values of λ at which to print density and distribution.", valueName: "λ"))
  var at: [Double] = []

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    if skipWeight.magnitude != 1, depth == nil {
      throw ValidationError("--skip-weight needs --depth: the law is multiplied by a^(2·depth)")
    }
  }

  func run() throws {
    try checkPoints(at, "λ", expected: "0 or above") { $0 >= 0 }
    let console = Console(isJSON: form.json)
    let law = try UniversalLaw(cumulant: c, skipWeight: skipWeight, depth: depth ?? 1)
    let moments = try (1...4).map { try law.moment(Double($0)) }
    guard moments.allSatisfy({ $0 >= .leastNormalMagnitude && $0.isFinite }) else {
      throw TheoryError.outsideDomain(
        parameter: "c", value: c,
        expected: "smaller, and the skip weight nearer to 1, for the moments of λ to be numbers")
    }
    let points = at.isEmpty ? law.curve(count: 11).map { exp($0.logLambda) } : at
    console.say("λ   \(Wording.number(law.smallestLambda)) to \(Wording.number(law.largestLambda))")
    console.say(
      "σ   \(Wording.number(law.smallestLambda.squareRoot())) to "
        + "\(Wording.number(law.largestLambda.squareRoot())), "
        + "mean \(Wording.number(law.meanSingularValue))")
    console.say("moments of λ       " + moments.map(Wording.number).joined(separator: "  "))
    console.say("variance of log λ  \(Wording.number(law.logVariance))")
    console.say("")
    let table = console.table(
      ["λ": "lambda", "density": "density", "P(λ′ ≤ λ)": "cdf"],
      points.map { [$0, law.density(at: $0), law.cumulative(at: $0)] })
    console.emit([
      "lambda_min": .number(law.smallestLambda),
      "lambda_max": .number(law.largestLambda),
      "moments": .array(moments.map { .number($0) }),
      "log_variance": .number(law.logVariance),
      "points": table,
    ])
    try picture.write(Plot(law: law, title: title), console: console)
  }

  private var title: String {
    let skip = skipWeight == 1 ? "" : ", a = \(Wording.number(skipWeight))"
    return "Universal law of residual networks, c = \(Wording.number(c))\(skip)"
  }
}

extension Plot {
  init(law: UniversalLaw, title: String) {
    let support = law.logSupport
    let isWide = support.upperBound - support.lowerBound > 8
    let points = law.curve(count: 1000).map { point in
      let sigma = exp(point.logLambda / 2)
      return (x: sigma, y: 2 * point.logDensity / sigma)
    }
    self.init(
      title: title, x: Axis("singular value σ", column: "sigma", isLogarithmic: isWide),
      y: Axis("density", column: "density", isLogarithmic: isWide),
      series: law.atoms.isEmpty
        ? [Series("universal law", .line, points)]
        : law.atoms.map { Series("all of the mass", .points, [(x: $0.lambda.squareRoot(), y: 1)]) })
  }
}
