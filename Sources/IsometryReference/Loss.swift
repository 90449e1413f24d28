internal import IsometryCore
internal import IsometryGraph
internal import RealModule

extension NodeExecution {
  /// loss = −Σ over rows and classes of target·log softmax(logits)/N, its gradient
  /// (softmax − target)/N, and the number of rows whose first largest logit is at the label. Mixed rows
  /// have two labels with shares in the loss and in the gradient.
  func softmaxCrossEntropy(labelSmoothing: Double, mixes: Bool) {
    let (logits, labels) = (inputs[0].elements, inputs[1].integers)
    let gradient = results[2].elements
    let (rows, classes) = (inputs[0].shape[0], inputs[0].shape[1])
    let background = Scalar(labelSmoothing / Double(classes))
    let share = mixes ? inputs[2].elements[0] : 1
    var (loss, correct) = (0.0, 0)
    for row in 0..<rows {
      let first = row * classes
      for index in first..<first + classes { gradient[index] = 0 }
      let targets = [(Int(labels[row]), share), (Int(labels[rows - 1 - row]), 1 - share)]
        .prefix(mixes ? 2 : 1).filter { (0..<classes).contains($0.0) }
      if targets.isEmpty { continue }
      var best = first
      for index in first..<first + classes where logits[index] > logits[best] { best = index }
      if best == first + Int(labels[row]) { correct += 1 }
      let maximum = logits[best]
      var total: Scalar = 0
      for index in first..<first + classes { total += .exp(logits[index] - maximum) }
      let logarithm = Scalar.log(total)
      for index in first..<first + classes {
        let logProbability = logits[index] - maximum - logarithm
        for (label, share) in targets {
          let target =
            background + (index == first + label ? Scalar(1 - labelSmoothing) : 0)
          // A class that has no part in the target may have a logit of −∞.
          if share * target != 0 { loss -= Double(share * target * logProbability) }
          gradient[index] += share * (.exp(logProbability) - target) / Scalar(rows)
        }
      }
    }
    if results.count > 3 { _ = results[3].elements.update(fromContentsOf: gradient) }
    results[0].elements[0] = Scalar(loss / Double(rows))
    results[1].elements[0] = Scalar(correct)
  }
}
