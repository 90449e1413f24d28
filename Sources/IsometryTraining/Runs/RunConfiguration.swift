public import IsometryCore
public import IsometryNN

extension NormalizationKind: Codable {}
extension SkipKind: Codable {}

/// Everything that decides what a run computes, in the words of the command line. A run folder and
/// every checkpoint hold it.
///
/// The defaults are those of `isometry train`.
public struct RunConfiguration: Sendable, Equatable, Codable {
  public var model = "resnet20"
  public var normalization = NormalizationKind.batch
  /// nil for the model's own.
  public var skip: SkipKind?
  /// What the skips of `resmlp` multiply by; nil for 1.
  public var skipWeight: Double?
  public var initializer = "he"
  public var activation = "relu"

  public var epochs = 5
  public var batch = 128
  public var schedule = ScheduleName.oneCycle
  /// The largest learning rate.
  public var learningRate = 0.4
  /// Epochs over which the rate rises linearly before the schedule; fractions count.
  public var warmup = 0.0
  /// The share of the run after which a one-cycle schedule is at its largest rate.
  public var peak = 0.2
  /// The epochs after which a step schedule lowers the rate; nil for a half and three quarters of the
  /// run.
  public var milestones: [Double]?
  /// What a step schedule multiplies the rate by at each milestone.
  public var gamma = 0.1

  public var optimizer = OptimizerName.sgd
  public var momentum = 0.9
  public var nesterov = true
  public var weightDecay = 5e-4
  public var labelSmoothing = 0.0
  /// nil for no clipping.
  public var clipNorm: Double?

  public var augment: [AugmentationName] = [.crop, .flip]
  /// The side of the cutout square in pixels.
  public var cutout = 8

  public var precision = DType.float32
  public var seed: UInt64 = 1
  /// The backend: `cpu`, `reference`, `opencl:0`.
  public var device = "cpu"
  /// Who computes matrix products on OpenCL devices; nil for the package's own kernels.
  public var gemm: String?

  /// The directory of CIFAR-10's batches, or `synthetic`.
  public var data = "synthetic"
  /// How many images of each split are used; nil for all.
  public var limitTrain: Int?
  public var limitTest: Int?

  public init() {}

  public enum ScheduleName: String, Sendable, Codable, CaseIterable {
    case constant
    case step
    case cosine
    case oneCycle = "one-cycle"
  }

  public enum OptimizerName: String, Sendable, Codable, CaseIterable {
    case sgd
    case adam
    case adamw
    case rmsprop
  }

  public enum AugmentationName: String, Sendable, Codable, CaseIterable {
    case crop
    case flip
    case cutout
  }

  /// The command line's options, so that messages can name them.
  enum CodingKeys: String, CodingKey {
    case model
    case normalization
    case skip
    case skipWeight = "skip-weight"
    case initializer = "init"
    case activation
    case epochs
    case batch
    case schedule
    case learningRate = "lr"
    case warmup
    case peak
    case milestones
    case gamma
    case optimizer
    case momentum
    case nesterov
    case weightDecay = "weight-decay"
    case labelSmoothing = "label-smoothing"
    case clipNorm = "clip-norm"
    case augment
    case cutout
    case precision
    case seed
    case device
    case gemm
    case data
    case limitTrain = "limit-train"
    case limitTest = "limit-test"
  }
}
