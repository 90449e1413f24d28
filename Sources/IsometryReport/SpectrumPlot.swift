import Foundation
package import IsometryFiles
package import IsometrySpectra
import IsometryTheory

extension Plot {
  /// The histogram of log σ² with the law's density over it. Both are densities of the whole mass: zeros
  /// are not shown, and take their share from the area.
  package init(_ result: SpectrumStudy.Result, title: String) {
    let bins = Self.histogram(result.logarithms)
    var series = [Series("measured", .histogram(boxWidth: bins.width), bins.boxes)]
    if let law = result.prediction.law {
      let curve = law.curve(count: 1000)
        .filter { $0.logLambda >= bins.lower - bins.width }
        .map { (x: $0.logLambda, y: $0.logDensity) }
      if !curve.isEmpty { series.append(Series("\(law.name) law", .line, curve)) }
      let atoms = law.atoms.filter { $0.lambda > 0 }.map { (x: log($0.lambda), y: $0.mass) }
      if !atoms.isEmpty {
        series.append(Series("\(law.name) law, mass of its atom", .points, atoms))
      }
    }
    self.init(
      title: title, x: Axis("log σ²", column: "log_lambda"),
      y: Axis("density", column: "density"), series: series)
  }

  private static func histogram(
    _ points: [(t: Double, weight: Double)]
  ) -> (boxes: [(x: Double, y: Double)], width: Double, lower: Double) {
    let values = points.map(\.t)
    guard let lower = values.min(), let upper = values.max() else { return ([], 1, 0) }
    guard upper - lower > 1e-3 else {
      // A flat spectrum is shown as one box rather than as the picture of its rounding errors.
      let width = 0.1
      let mass = points.reduce(0) { $0 + $1.weight }
      let boxes = (-10...10).map { index in
        (x: (lower + upper) / 2 + Double(index) * width, y: index == 0 ? mass / width : 0)
      }
      return (boxes, width, lower)
    }
    let count = max(1, min(60, Int(Double(points.count).squareRoot().rounded())))
    let width = (upper - lower) / Double(count)
    var weights = [Double](repeating: 0, count: count)
    for point in points {
      weights[min(count - 1, Int((point.t - lower) / width))] += point.weight
    }
    let boxes = weights.enumerated().map { index, weight in
      (x: lower + (Double(index) + 0.5) * width, y: weight / width)
    }
    return (boxes, width, lower)
  }
}
