internal import IsometryGraph

/// The views of each image whose logits an evaluation averages.
///
/// - Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024), section 3.5.
public enum EvaluationViews: Int, Sendable, Hashable, CaseIterable, Codable {
  /// The image.
  case one = 1
  /// The image and its mirror image.
  case two = 2
  /// Those two with half of the weight, and two views moved by a pixel down or up along the diagonal,
  /// each with its mirror image.
  case six = 6

  /// The views with their weights, whose sum is 1.
  var weighted: [(view: ImageDecoding.View, weight: Double)] {
    let pair = [false, true]
    func views(
      _ offset: Int, weight: Double
    ) -> [(view: ImageDecoding.View, weight: Double)] {
      pair.map { (ImageDecoding.View(down: offset, right: offset, isMirrored: $0), weight) }
    }
    return switch self {
    case .one: [(ImageDecoding.View(), 1)]
    case .two: views(0, weight: 1 / 2)
    case .six: views(0, weight: 1 / 4) + views(-1, weight: 1 / 8) + views(1, weight: 1 / 8)
    }
  }
}
