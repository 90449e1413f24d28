import IsometryCore
import IsometryGraph

/// The sums that a session keeps on the device: of each step's mean loss, and of the images whose
/// largest logit is at the label.
struct MetricTotals: Equatable {
  let loss: Double
  let correct: Double

  typealias Names = (loss: String, correct: String)
}

extension MetricTotals {
  /// Waits for the steps started so far.
  init(readingFrom session: any Session, _ names: Names) throws {
    loss = try session.read(variable: names.loss).scalar
    correct = try session.read(variable: names.correct).scalar
  }

  static func reset(in session: any Session, _ names: Names) throws {
    for name in [names.loss, names.correct] {
      guard let variable = session.graph.source(named: name) else {
        preconditionFailure("the graph keeps no variable \(name)")
      }
      try session.write(HostTensor(zeros: session.graph.type(of: variable)), toVariable: name)
    }
  }

  /// A read-back under way, of the totals after a known number of steps.
  struct Pending {
    let batch: Int
    let step: Int
    private let loss: any PendingRead
    private let correct: any PendingRead

    init(of session: any Session, _ names: Names, batch: Int, step: Int) throws {
      self.batch = batch
      self.step = step
      loss = try session.beginReading(variable: names.loss)
      correct = try session.beginReading(variable: names.correct)
    }

    var isComplete: Bool { loss.isComplete && correct.isComplete }

    /// The totals; does not block once `isComplete`.
    func totals() throws -> MetricTotals {
      MetricTotals(loss: try loss.wait().scalar, correct: try correct.wait().scalar)
    }
  }
}
