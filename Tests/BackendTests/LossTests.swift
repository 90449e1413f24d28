import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct LossTests {
  /// Rows without a label among them; large logits, which must not overflow.
  @Test(arguments: BackendUnderTest.all, [0, 0.1])
  func crossEntropy(subject: BackendUnderTest, smoothing: Double) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (rows, classes) in [
        (1, 2), (2, 3), (5, 10), (17, 17), (128, 10), (33, 33), (3, 100), (2, 1000),
      ] {
        // A single row with large logits has a loss of nothing but rounding errors.
        for deviation in rows == 1 ? [1.0] : [1.0, 40.0] {
          let name = "\(rows)×\(classes), deviation \(deviation)"
          let labels = (0..<rows).map { row in
            row % 5 == 3
              ? (row % 2 == 0 ? Int32(classes) : -1)
              : Int32(experiment.random.integer(below: UInt32(classes)))
          }
          let logits = experiment.input(
            "logits \(name)", [rows, classes], nil, .normal(deviation: deviation))
          let targets = experiment.input("labels \(name)", HostTensor([rows], labels))
          let loss = experiment.graph.softmaxCrossEntropy(
            logits, labels: targets, labelSmoothing: smoothing)
          let gradient = experiment.graph.gradients(of: loss.loss, withRespectTo: [logits])[0]!
          experiment.compare("loss \(name)", loss.loss, reduction: rows * classes)
          experiment.compare("correct \(name)", loss.correct, .exact)
          // Differences of logits carry the rounding of the largest.
          experiment.compare(
            "gradient \(name)", gradient,
            Tolerance(precision, reduction: classes + Int(deviation * deviation)))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.all)
  func theFirstOfEqualLogitsCounts(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 2)
    let logits = experiment.input(
      "logits", [4, 3], nil, .given([0, 0, 0, 1, 2, 2, 2, 2, 1, 0, 0, 0]))
    let labels = experiment.input("labels", HostTensor([4], [0, 2, 0, 1]))
    let loss = experiment.graph.softmaxCrossEntropy(logits, labels: labels)
    experiment.compare("correct", loss.correct, .exact)
    try expectAgreement(experiment, on: subject)
  }
}
