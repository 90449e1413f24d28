package import IsometryFiles
package import IsometryGraph
package import IsometrySpectra
package import IsometryTraining

/// A part of a report, or the reason why it is left out.
package enum Part<Value: Sendable>: Sendable {
  case present(Value)
  case leftOut(String)
}

/// A run, and what was measured of it for a report.
package struct ReportedRun: Sendable {
  /// An image that was classified wrongly.
  package struct Mistake: Sendable {
    package let picture: PNGImage
    /// The names of the classes.
    package let label: String
    package let predicted: String
    /// The network's probabilities of both.
    package let labelProbability: Double
    package let predictedProbability: Double

    package init(
      _ picture: PNGImage, label: String, predicted: String, labelProbability: Double,
      predictedProbability: Double
    ) {
      self.picture = picture
      self.label = label
      self.predicted = predicted
      self.labelProbability = labelProbability
      self.predictedProbability = predictedProbability
    }
  }

  package struct Evaluation: Sendable {
    package let result: Evaluator.Result
    package let confusion: ConfusionMatrix
    /// The worst first.
    package let mistakes: [Mistake]
    /// The number of epochs after which the network was saved.
    package let epoch: Int

    package init(
      _ result: Evaluator.Result, _ confusion: ConfusionMatrix, mistakes: [Mistake], epoch: Int
    ) {
      self.result = result
      self.confusion = confusion
      self.mistakes = mistakes
      self.epoch = epoch
    }
  }

  /// The launches of a training step with one name.
  package struct OperationTime: Sendable {
    package let name: String
    package let launches: Double
    /// Of a step.
    package let seconds: Double
    /// Of the time of all launches.
    package let share: Double

    package init(_ name: String, launches: Double, seconds: Double, share: Double) {
      self.name = name
      self.launches = launches
      self.seconds = seconds
      self.share = share
    }
  }

  package let record: RunRecord
  let evaluation: Part<Evaluation>
  /// The singular values at the initial weights, and those of the checkpoint.
  let initialSpectrum: Part<SpectrumStudy.Result>
  let trainedSpectrum: Part<SpectrumStudy.Result>
  /// Of a training step.
  let memory: Part<MemoryBreakdown>
  /// The most time first.
  let times: Part<[OperationTime]>

  package init(
    _ record: RunRecord, evaluation: Part<Evaluation>,
    initialSpectrum: Part<SpectrumStudy.Result>, trainedSpectrum: Part<SpectrumStudy.Result>,
    memory: Part<MemoryBreakdown>, times: Part<[OperationTime]>
  ) {
    self.record = record
    self.evaluation = evaluation
    self.initialSpectrum = initialSpectrum
    self.trainedSpectrum = trainedSpectrum
    self.memory = memory
    self.times = times
  }

  /// A run of which nothing is measured, for a reason.
  package init(_ record: RunRecord, withoutMeasurements reason: String) {
    self.init(
      record, evaluation: .leftOut(reason), initialSpectrum: .leftOut(reason),
      trainedSpectrum: .leftOut(reason), memory: .leftOut(reason),
      times: .leftOut(reason))
  }

  /// Names of runs: the ends of their paths, as long as it takes to tell them apart.
  static func names(of runs: [ReportedRun]) -> [String] {
    let parts = runs.map { $0.record.path.split(separator: "/") }
    let longest = parts.map(\.count).max() ?? 0
    let candidates = (1...max(1, longest)).lazy.map { length in
      parts.map { $0.suffix(length).joined(separator: "/") }
    }
    // Twice the same run has the same name.
    let paths = Set(parts.map { $0.joined(separator: "/") })
    return candidates.first { Set($0).count == paths.count } ?? runs.map(\.record.path)
  }

  /// The images after whose names the results of the epochs are called.
  var evaluated: String { record.configuration.holdOut == nil ? "test" : "held-out" }
}
