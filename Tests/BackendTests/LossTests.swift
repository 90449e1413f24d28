import IsometryCore
import IsometryGraph
import IsometryReference
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

  @Test(arguments: BackendUnderTest.all, [0, 0.1])
  func mixedLabels(subject: BackendUnderTest, smoothing: Double) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 3, precision: precision)
      for (rows, share) in [(1, 0.3), (2, 0), (5, 0.3), (128, 0.75), (33, 1)] as [(Int, Float)] {
        let labels = (0..<rows).map { row in
          row % 5 == 3 ? -1 : Int32(experiment.random.integer(below: 10))
        }
        let logits = experiment.input("logits \(rows)", [rows, 10])
        let targets = experiment.input("labels \(rows)", HostTensor([rows], labels))
        let mixing = experiment.input("mixing \(rows)", HostTensor([1], [share]))
        let loss = experiment.graph.softmaxCrossEntropy(
          logits, labels: targets, labelSmoothing: smoothing, mixing: mixing)
        let gradient = experiment.graph.gradients(of: loss.loss, withRespectTo: [logits])[0]!
        experiment.compare("loss \(rows)", loss.loss, reduction: rows * 10)
        experiment.compare("correct \(rows)", loss.correct, .exact)
        experiment.compare("gradient \(rows)", gradient, reduction: 10)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// The second of the two has the labels in reverse.
  @Test func aMixedLossIsThatOfTwoPlainOnes() throws {
    var experiment = Experiment(seed: 4, precision: .float64)
    let logits = experiment.input("logits", [5, 4])
    let labels: [Int32] = [0, 3, -1, 2, 1]
    let mixing = experiment.input("mixing", HostTensor([1], [0.25]))
    for (name, labels, mixing) in [
      ("mixed", labels, mixing), ("own", labels, nil), ("other", labels.reversed(), nil),
    ] as [(String, [Int32], Value?)] {
      let targets = experiment.input("labels \(name)", HostTensor([5], labels))
      let loss = experiment.graph.softmaxCrossEntropy(
        logits, labels: targets, labelSmoothing: 0.1, mixing: mixing)
      experiment.graph.output("\(name) loss", loss.loss)
      experiment.graph.output("\(name) gradient", loss.gradient)
    }
    let session = try experiment.run(on: ReferenceBackend<Double>(), for: experiment.graph)
    for kind in ["loss", "gradient"] {
      let values = try ["mixed", "own", "other"].map {
        try session.read(output: "\($0) \(kind)").doubles
      }
      for (mixed, (own, other)) in zip(values[0], zip(values[1], values[2])) {
        #expect(abs(mixed - (0.25 * own + 0.75 * other)) < 1e-14)
      }
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
