import IsometryCore
import IsometryNN

extension RunConfiguration {
  /// Throws if a run that was recorded with this configuration cannot continue with `wanted`.
  ///
  /// Some settings may change, since they do not affect the results: the device, `gemm`, `recompute`, the size of
  /// buckets and the place of the data. So may the settings of the end, of measurements and of saves. `TrainingRun` checks
  /// the form of the images. The number of epochs may change if the learning-rate schedule does not depend
  /// on it.
  ///
  /// - Throws: `ConfigurationError` for the first difference.
  public func checkContinuation(as wanted: RunConfiguration) throws {
    var comparable = wanted.spelledOut
    comparable.device = device
    comparable.gemm = gemm
    comparable.recompute = recompute
    comparable.bucketSize = bucketSize
    comparable.data = data
    comparable.labels = labels
    comparable.images = images
    // The order of augmentations means nothing.
    if Set(wanted.augment) == Set(augment) { comparable.augment = augment }
    comparable.recipe = recipe
    comparable.untilAccuracy = untilAccuracy
    comparable.patience = patience
    comparable.spectrumEvery = spectrumEvery
    comparable.saveEvery = saveEvery
    comparable.keep = keep
    comparable.saveMinutes = saveMinutes
    comparable.saveSteps = saveSteps
    comparable.tensorboard = tensorboard
    comparable.histogramsEvery = histogramsEvery
    // The learning rate of a step does not depend on the length of these runs.
    if [.constant, .plateau].contains(schedule) || schedule == .step && milestones != nil {
      comparable.epochs = epochs
    }
    for (recorded, changed) in zip(spelledOut.settings, comparable.settings)
    where recorded.value != changed.value {
      if recorded.setting == .epochs {
        throw ConfigurationError(
          .epochs,
          """
          cannot change: the run's \(schedule.rawValue) schedule was planned for \(epochs) epochs; \
          keep them, or start a new run
          """)
      }
      throw ConfigurationError(
        recorded.setting,
        """
        cannot change: the run was started with \(recorded.value), not \(changed.value); keep \
        that, or start a new run
        """)
    }
    // A milestone may not move, so the run may not end before it.
    if schedule == .step, let last = milestones?.last, Double(wanted.epochs) <= last {
      throw ConfigurationError(
        .epochs,
        """
        should be above \(last), the last of the run's \(.milestones), which cannot change, not \
        \(wanted.epochs); use a larger number, or start a new run
        """)
    }
  }

  /// Throws if a run that has this configuration cannot continue from a place, which lies behind its end.
  ///
  /// - Throws: `ConfigurationError`.
  public func checkContinuation(from place: TrainingState) throws {
    let begun = place.epoch + (place.batch > 0 ? 1 : 0)
    try require(
      epochs >= begun, .epochs,
      """
      should be at least \(begun), the epochs that the run has begun, not \(epochs); name more, or \
      resume an earlier checkpoint
      """)
  }

  /// With the values of defaults that may be left out, so that equal runs have equal
  /// configurations.
  private var spelledOut: RunConfiguration {
    var result = self
    result.skip = skip ?? .identity
    result.skipWeight = skipWeight ?? 1
    result.activation = activationName
    result.views = views ?? .one
    result.syncBatchNorm = syncBatchNorm ?? false
    if augment.contains(.translate) { result.translate = translate ?? Self.defaultTranslation }
    if schedule == .step { result.milestones = stepMilestones }
    if schedule == .plateau { result.plateau = plateau ?? Self.defaultPlateau }
    return result
  }
}
