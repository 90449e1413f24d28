import ArgumentParser
import IsometryNN
import IsometryTraining

struct ViewArguments: ParsableArguments {
  @Option(
    help: """
      The views of each image whose logits are averaged: 1, 2 with the mirror image, or 6 with moves \
      by a pixel too. (default: 1, or those of the run)
      """)
  var views: EvaluationViews?

  func apply(to configuration: inout RunConfiguration) {
    if let views { configuration.views = views }
  }
}
