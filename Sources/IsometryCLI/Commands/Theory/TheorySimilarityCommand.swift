import ArgumentParser
import IsometryTheory
import IsometryTraining

struct TheorySimilarityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "similarity",
    abstract: "How alike two inputs become, layer by layer, in a wide ReLU network.",
    discussion: """
      Examples:
        isometry theory similarity --depth 20 --cosine 0
        isometry theory similarity --depth 20 --cosine 0 --blocks he --branch-weight 0.7

      Plain layers without biases, or with --blocks residual blocks: of He's weights with learned \
      skips, where the squares of the branch's and the skip's weights add up to 1, or those that keep \
      all cosines.
      """)

  enum Blocks: String, ExpressibleByArgument, CaseIterable {
    case he
    case zeroBranch = "zero-branch"
    case risotto
  }

  @Option(help: ArgumentHelp("Layers or blocks.", valueName: "n"))
  var depth: Int

  @Option(help: ArgumentHelp("Of the angle between the two inputs.", valueName: "ρ"))
  var cosine: Double

  @Option(help: "Residual blocks in place of plain layers.")
  var blocks: Blocks?

  @Option(help: ArgumentHelp("α of --blocks he, in [0, 1]. (default: √½)", valueName: "α"))
  var branchWeight: Double?

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard let branchWeight else { return }
    guard blocks == .he else { throw ValidationError("--branch-weight belongs to --blocks he") }
    guard branchWeight >= 0, branchWeight <= 1 else {
      throw ValidationError("--branch-weight should be in [0, 1]")
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
    switch blocks {
    case nil: return try RectifierKernel.cosines(from: cosine, depth: depth)
    case .zeroBranch:
      return try ResidualBlockPropagation.zeroBranch.cosines(from: cosine, depth: depth)
    case .risotto: return try ResidualBlockPropagation.risotto.cosines(from: cosine, depth: depth)
    case .he:
      let square = branchWeight.map { $0 * $0 } ?? 0.5
      return try ResidualBlockPropagation.he(
        branchFactor: square.squareRoot(), skipFactor: (1 - square).squareRoot()
      ).cosines(from: cosine, depth: depth)
    }
  }
}
