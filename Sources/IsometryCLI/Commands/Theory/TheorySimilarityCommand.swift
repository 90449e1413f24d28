import ArgumentParser
import IsometryFiles
import IsometryTheory

struct TheorySimilarityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "similarity",
    abstract: "Compute the cosine of two inputs' signals, layer by layer, in a wide ReLU network.",
    discussion: """
      Examples:
        isometry theory similarity --depth 20 --cosine 0
        isometry theory similarity --depth 20 --cosine 0 --blocks he \\
          --skip-weight 0.8

      By default, the network has plain layers without biases. With --blocks, it has residual \
      blocks. Blocks of kind he have He's weights and learned skips; the squares of the factors of \
      branch and skip add up to 1. Blocks of the kinds zero-branch and risotto keep all cosines.
      """)

  enum Blocks: String, ExpressibleByArgument, CaseIterable {
    case he
    case zeroBranch = "zero-branch"
    case risotto
  }

  @Option(help: ArgumentHelp("Number of layers or blocks.", valueName: "n"))
  var depth: Int

  @Option(help: ArgumentHelp("Cosine of the angle between the two inputs.", valueName: "ρ"))
  var cosine: Double

  @Option(help: "The kind of residual blocks, instead of plain layers.")
  var blocks: Blocks?

  @Option(
    help: ArgumentHelp(
      "The factor of the skips with --blocks he, in [0, 1]. (default: √½)", valueName: "a"))
  var skipWeight: Double?

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard let skipWeight else { return }
    guard blocks == .he else { throw ValidationError("--skip-weight needs --blocks he") }
    guard skipWeight >= 0, skipWeight <= 1 else {
      throw ValidationError("--skip-weight should be in [0, 1]")
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let cosines = try cosines()
    console.say(Wording.row([blocks == nil ? "layer" : "block", "cosine"]))
    for (index, value) in cosines.enumerated() {
      console.say(Wording.row(["\(index + 1)", Wording.number(value)]))
    }
    console.emit(["cosine": .array(cosines.map { .number($0) })])
    try picture.write(
      Plot(
        title: "Cosine of two inputs that begin at \(Wording.number(cosine))",
        x: Plot.Axis(blocks == nil ? "layer" : "block", column: "layer"),
        y: Plot.Axis("cosine", column: "cosine"),
        series: [
          Plot.Series(
            "cosine", .line,
            ([cosine] + cosines).enumerated().map { (x: Double($0.offset), y: $0.element) })
        ]), console: console)
  }

  private func cosines() throws -> [Double] {
    guard let blocks else { return try RectifierKernel.cosines(from: cosine, depth: depth) }
    let square = skipWeight.map { $0 * $0 } ?? 0.5
    let propagation: ResidualBlockPropagation =
      switch blocks {
      case .zeroBranch: .zeroBranch
      case .risotto: .risotto
      case .he: .he(branchFactor: (1 - square).squareRoot(), skipFactor: square.squareRoot())
      }
    return try propagation.cosines(from: cosine, depth: depth)
  }
}
