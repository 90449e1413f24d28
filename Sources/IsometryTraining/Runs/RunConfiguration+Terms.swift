package import IsometryCore

// The terms of messages about a run: the properties of `RunConfiguration` that no other module names.
extension Term {
  package static let epochs = Term("epochs")
  package static let untilAccuracy = Term("untilAccuracy")
  package static let patience = Term("patience")
  package static let schedule = Term("schedule")
  package static let learningRate = Term("learningRate")
  package static let warmup = Term("warmup")
  package static let peak = Term("peak")
  package static let milestones = Term("milestones")
  package static let plateau = Term("plateau")
  package static let gamma = Term("gamma")
  package static let optimizer = Term("optimizer")
  package static let momentum = Term("momentum")
  package static let nesterov = Term("nesterov")
  package static let withoutNesterov = Term("nesterov = false")
  package static let weightDecay = Term("weightDecay")
  package static let labelSmoothing = Term("labelSmoothing")
  package static let groups = Term("groups")
  package static let clipAdaptive = Term("clipAdaptive")
  package static let averageWeights = Term("averageWeights")
  package static let warmupSteps = Term("warmupSteps")
  package static let clipNorm = Term("clipNorm")
  package static let augment = Term("augment")
  package static let cutout = Term("cutout")
  package static let translate = Term("translate")
  package static let mixup = Term("mixup")
  package static let precision = Term("precision")
  package static let device = Term("device")
  package static let limitTrain = Term("limitTrain")
  package static let holdOut = Term("holdOut")
  package static let limitTest = Term("limitTest")
  package static let spectrumEvery = Term("spectrumEvery")
  package static let saveEvery = Term("saveEvery")
  package static let keep = Term("keep")
  package static let saveMinutes = Term("saveMinutes")
  package static let saveSteps = Term("saveSteps")
  package static let tensorboard = Term("tensorboard")
  package static let bucketSize = Term("bucketSize")
  package static let syncBatchNorm = Term("syncBatchNorm")
  package static let histogramsEvery = Term("histogramsEvery")

  /// The folder that a run or a reproduction writes.
  package static let folder = Term("folder")
  /// To make a checkpoint of weights of other programs.
  package static let importing = Term("WeightImport")
  /// To continue a run.
  package static let resumption = Term("resumption")
  /// To check every operation against the reference.
  package static let validation = Term("validation")
}
