public import IsometryCore
public import IsometryData
public import IsometryGraph
public import IsometryNN

extension NormalizationKind: Codable {}
extension SkipKind: Codable {}

/// All settings that decide the result of a run. A run folder and every checkpoint hold them.
public struct RunConfiguration: Sendable, Hashable, Codable {
  /// The recipe from which the settings were taken; nil for none.
  public var recipe: String?

  /// The model, one of `ModelSpecification.spellings`.
  public var model = "resnet20"
  /// The normalization after each convolution or hidden dense layer.
  public var normalization = NormalizationKind.batch
  /// The kind of the skips; nil for the model's own.
  public var skip: SkipKind?
  /// The factor of the skips of `resmlp` and `resconv`; nil for 1.
  public var skipWeight: Double?
  /// The initializer: `NAME` or `NAME:option=value,…`, as `InitializerRegistry` reads it.
  public var initializer = "he"
  /// The activation: `NAME` or, for those with a parameter, `NAME:NUMBER`. nil for the model's own.
  public var activation: String?
  /// The run or the checkpoint whose weights the run starts from; nil for those of the initializer alone.
  public var from: String?

  /// Passes over the training images, from the start of the run.
  public var epochs = 5
  /// The test accuracy in percent at which the run ends, if an epoch reaches it; nil for none.
  public var untilAccuracy: Double?
  /// The number of epochs without a better test accuracy after which the run ends; nil for no such end.
  public var patience: Int?
  /// Images of a step, those of all ranks together.
  public var batch = 128
  /// The learning-rate schedule.
  public var schedule = ScheduleName.oneCycle
  /// The largest learning rate.
  public var learningRate = 0.4
  /// Epochs over which the rate rises linearly before the schedule; fractions count.
  public var warmup = 0.0
  /// Steps over which the rate rises linearly before the schedule; nil for `warmup`.
  public var warmupSteps: Int?
  /// The share of the run after which a one-cycle schedule is at its largest rate.
  public var peak = 0.2
  /// The epochs after which a step schedule lowers the rate; nil for a half and three quarters.
  public var milestones: [Double]?
  /// The number of epochs in a row without a better test accuracy after which a plateau schedule lowers the
  /// rate; nil for 10.
  public var plateau: Int?
  /// The factor of the rate at each milestone of a step schedule, and at each drop of a plateau schedule.
  public var gamma = 0.1

  /// The optimizer.
  public var optimizer = OptimizerName.sgd
  /// The momentum of SGD, Muon and RMSProp, at least 0 and below 1; the others ignore it.
  public var momentum = 0.9
  /// Whether the momentum of SGD and Muon looks ahead; needs a momentum above 0.
  public var nesterov = true
  /// The weight decay: the share of a weight that is added to its gradient or, by AdamW, its update.
  public var weightDecay = 5e-4
  /// The parameters that decay, unless their group has a weight decay. Older configurations, which do not
  /// name them, let all decay.
  public var decay = DecayName.weights
  /// The settings of parameter groups.
  public var groups = ParameterGroups()
  /// ε of the targets (1 − ε)·onehot + ε/classes, at least 0 and below 1.
  public var labelSmoothing = 0.0
  /// The maximum norm of the gradients; nil for no clipping.
  public var clipNorm: Double?
  /// The largest norm of the gradient of each unit, as a share of the unit's norm; nil for no adaptive
  /// clipping. The head is not clipped.
  public var clipAdaptive: Double?
  /// The share that an exponential moving average of the weights keeps at each step, at least 0 and below
  /// 1; nil for no average. The average is evaluated, and checkpoints hold it beside the weights.
  public var averageWeights: Double?

  /// The random changes of training images on the device; their order has no effect.
  public var augment: [AugmentationName] = [.crop, .flip]
  /// The side of the cutout square in pixels.
  public var cutout = 8
  /// The most pixels that `translate` moves an image; nil for 2.
  public var translate: Int?

  /// α of mixup: images and labels are mixed in pairs with the share λ ~ Beta(α, α); nil for none.
  public var mixup: Double?

  /// The type of activations and gradients, and the rounding of products; parameters stay in fp32.
  public var precision = Precision.fp32
  /// The seed of initial weights, the order of the images and augmentation.
  public var seed: UInt64 = 1
  /// The backend: `cpu`, `reference`, `opencl:0`.
  public var device = "cpu"
  /// The library for matrix products on OpenCL devices; nil for the package's own kernels.
  public var gemm: String?

  /// The values that the backward pass computes again instead of keeping them; the results are the
  /// same. nil for activations if they cost the device next to nothing, otherwise for no values.
  public var recompute: Recomputation?

  /// The bytes of gradients that several ranks sum together, in MiB; nil for a size that follows from the network's.
  /// Another size rounds sums over more than two ranks differently.
  public var bucketSize: Double?
  /// Whether Batch Normalization takes the statistics of the images of all ranks; nil for no.
  public var syncBatchNorm: Bool?

  /// The directory of the data set, or `synthetic`.
  public var data = "synthetic"
  /// The labels of CIFAR-100 that are the classes; nil for other data sets, and for the fine labels.
  public var labels: CIFAR100.Labels?
  /// The form of the images and classes; nil for that of CIFAR-10. `TrainingRun` takes it from the data
  /// set.
  public var images: ImageFormat?
  /// The number of training images that are used; nil for all.
  public var limitTrain: Int?
  /// The number of training images, the last ones, that are left out of training and evaluated in place
  /// of the test images; nil for none.
  public var holdOut: Int?
  /// The number of test images that are used; nil for all.
  public var limitTest: Int?
  /// The views of each test image whose logits are averaged; nil for one.
  public var views: EvaluationViews?

  /// The number of steps from one measurement of the Jacobian's singular values to the next, which
  /// does not change the results; nil for no measurements.
  public var spectrumEvery: Int?
  /// Whether the run writes events for TensorBoard to its folder; nil for no.
  public var tensorboard: Bool?
  /// The number of steps from one histogram of each parameter and its gradient to the next, for
  /// TensorBoard; nil for no histograms. They do not change the results.
  public var histogramsEvery: Int?

  /// The number of epochs from one checkpoint that is kept to the next; nil for 1.
  public var saveEvery: Int?
  /// The number of those checkpoints that are kept, the newest; nil for 2.
  public var keep: Int?
  /// Minutes from one save within an epoch to the next; nil for none.
  public var saveMinutes: Double?
  /// Steps from one save within an epoch to the next; nil for none.
  public var saveSteps: Int?

  /// The defaults.
  public init() {}

  /// The learning-rate schedules; see `LearningRateSchedule.Shape`.
  public enum ScheduleName: String, Sendable, Codable, CaseIterable {
    case constant
    case step
    /// The rate drops if the test accuracy does not improve; see `Trainer.Settings.plateau`.
    case plateau
    case linear
    case cosine
    case oneCycle = "one-cycle"
  }

  /// The optimizers; see `Update.Rule` and `Muon`.
  public enum OptimizerName: String, Sendable, Codable, CaseIterable {
    case sgd
    case muon
    case adam
    case adamw
    case rmsprop

    /// Whether the optimizer has a momentum.
    public var hasMomentum: Bool { self == .sgd || self == .muon || self == .rmsprop }
    /// Whether the momentum can look ahead.
    public var hasNesterov: Bool { self == .sgd || self == .muon }
  }

  /// The parameters that decay.
  public enum DecayName: String, Sendable, Codable, CaseIterable {
    /// Weights only: biases, scales and multipliers keep their size.
    case weights
    case all
  }

  /// The augmentations.
  public enum AugmentationName: String, Sendable, Codable, CaseIterable {
    case crop
    case flip
    case cutout
    /// A random offset like that of `crop`. The image is reflected at its border.
    case translate
    /// Each image is mirrored in every second epoch.
    case alternateFlip = "alternate-flip"
  }

  /// In the order of the properties.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case recipe
    case model, normalization, skip
    case skipWeight = "skip-weight"
    case initializer = "init"
    case activation, from
    case epochs
    case untilAccuracy = "until-accuracy"
    case patience, batch, schedule
    case learningRate = "lr"
    case warmup
    case warmupSteps = "warmup-steps"
    case peak, milestones, plateau, gamma
    case optimizer, momentum, nesterov
    case weightDecay = "weight-decay"
    case decay, groups
    case labelSmoothing = "label-smoothing"
    case clipNorm = "clip-norm"
    case clipAdaptive = "clip-adaptive"
    case averageWeights = "average-weights"
    case augment, cutout, translate, mixup, precision, seed, device, gemm, recompute
    case bucketSize = "bucket-size"
    case syncBatchNorm = "sync-batch-norm"
    case data, labels
    case images
    case limitTrain = "limit-train"
    case holdOut = "hold-out"
    case limitTest = "limit-test"
    case views
    case spectrumEvery = "spectrum-every"
    case tensorboard
    case histogramsEvery = "histograms-every"
    case saveEvery = "save-every"
    case keep
    case saveMinutes = "save-minutes"
    case saveSteps = "save-steps"
  }
}

// Settings that older configurations do not have.
extension KeyedDecodingContainer {
  func decode(
    _ type: RunConfiguration.DecayName.Type, forKey key: Key
  ) throws -> RunConfiguration.DecayName {
    try decodeIfPresent(type, forKey: key) ?? .all
  }

  func decode(_ type: ParameterGroups.Type, forKey key: Key) throws -> ParameterGroups {
    try decodeIfPresent(type, forKey: key) ?? ParameterGroups()
  }
}
