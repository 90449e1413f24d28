/// The spread of accuracies over seeds, and the comparisons between other trainings that it allows.
///
/// A few seeds a side do not determine their deviation, so that of all groups of an experiment is
/// pooled. It is at least that of guessing right or wrong on each test image.
struct AccuracyNoise: Equatable {
  /// Standard deviation over seeds, pooled.
  let deviation: Double
  let testImages: Int

  /// - Parameter groups: accuracies over seeds of trainings that are otherwise the same; those that
  ///   diverged have none, and are left out.
  init(groups: [[Double]], testImages: Int) {
    deviation = Sample.pooledDeviation(groups)
    self.testImages = testImages
  }

  /// Standard errors of the difference that decide a comparison. With the best of two or three rates
  /// on each side and some comparisons to a claim, a few in a hundred claims about equals are decided
  /// by chance.
  static let threshold = 3.0

  /// Whether the mean of `larger` is above that of `smaller` by more than chance: undecided if it is
  /// within the noise, with fewer than two seeds on a side, and if neither does better than
  /// guessing.
  func verdict(mean larger: [Double], exceeds smaller: [Double]) -> Verdict {
    guard let first = Sample(larger), let second = Sample(smaller), first.count > 1,
      second.count > 1, max(first.mean, second.mean) > Chance.bound(testImages: testImages)
    else { return .undecided }
    func variance(_ sample: Sample) -> Double {
      let ofImages = sample.mean * (1 - sample.mean) / Double(testImages)
      return max(deviation * deviation, ofImages) / Double(sample.count)
    }
    let gap = first.mean - second.mean
    let error = (variance(first) + variance(second)).squareRoot()
    if abs(gap) <= Self.threshold * error { return .undecided }
    return gap > 0 ? .holds : .fails
  }

  /// The same of two networks at their best learning rates; undecided also if some of a side's
  /// trainings diverged and others did not, and if a side is missing.
  func verdict(_ first: BestRate?, exceeds second: BestRate?) -> Verdict {
    guard let first, let second else { return .undecided }
    for side in [first, second] where (1..<side.accuracies.count).contains(side.diverged) {
      return .undecided
    }
    return verdict(mean: first.accuracies, exceeds: second.accuracies)
  }

  /// The rule of `verdict(_:exceeds:)` in words.
  static let rule =
    "by more than three standard errors of the difference of the means over seeds. The deviation is "
    + "that over seeds of all groups pooled or, if it is larger, that of guesses on the test images. It "
    + "cannot be decided with fewer than two seeds, if only some seeds of a side diverge, or if neither "
    + "side does better than guessing"
}
