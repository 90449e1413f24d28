import IsometryFiles
import IsometryTraining

/// Accuracy and confusion as a table: a row for each class, a column for what it was taken for.
enum ConfusionTable {
  static func lines(
    _ result: Evaluator.Result, _ confusion: ConfusionMatrix, isHeldOut: Bool = false
  ) -> [String] {
    let names = confusion.classNames
    let nameWidth = max(5, names.map(\.count).max() ?? 0)
    let largest = confusion.counts.joined().max() ?? 0
    let width = max(6, String(largest).count + 1)
    let columns = names.map { Wording.padded(String($0.prefix(width - 1)), width, left: true) }
    var lines = [
      "\(Wording.evaluated(isHeldOut: isHeldOut)) accuracy "
        + "\(Wording.percent(result.accuracy, digits: 2)) of "
        + "\(Wording.count(result.count)) images, loss \(Wording.loss(result.loss))",
      "",
      Wording.padded("class", nameWidth) + "  accuracy  taken for",
      Wording.padded("", nameWidth + 10) + columns.joined(),
    ]
    for (label, name) in names.enumerated() {
      let accuracy = confusion.accuracy(ofClass: label).map { Wording.percent($0) } ?? "none"
      let counts = confusion.counts[label].map {
        Wording.padded($0 == 0 ? "·" : String($0), width, left: true)
      }
      lines.append(
        Wording.padded(name, nameWidth) + Wording.padded(accuracy, 10, left: true)
          + counts.joined())
    }
    return lines
  }
}
