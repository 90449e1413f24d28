import IsometryCore
import IsometryGraph

/// A program's pieces in kernels/, joined in this order. scripts/kernel-programs.txt lists the same
/// families for the offline compilers; a test holds both lists equal.
enum ProgramFamily: String, CaseIterable, Sendable {
  case pointwise
  case cast
  case channelwise
  case permute
  case prepare
  case flatReduction = "reduction-flat"
  case channelReduction = "reduction-channels"
  case statistics = "normalization-statistics"
  case normalization = "normalization-apply"
  case windowPooling = "pooling-window"
  case globalPooling = "pooling-global"
  case crossEntropy = "loss-cross-entropy"
  case update = "optimizer-update"
  case variables = "optimizer-variables"
  case decoding = "augmentation-decode"
  case convolution = "convolution-register-tile"
  case weightGradient = "convolution-weight-gradient"
  case gemm = "gemm-register-tile"
  case gemmEpilogue = "gemm-epilogue"
  case matrixProduct = "gemm-matrix-tile"
  case matrixConvolution = "convolution-matrix-tile"
  case matrixWeightGradient = "convolution-matrix-tile-weight-gradient"

  /// Those whose programs have tiles to choose.
  static let withTiles: [ProgramFamily] = [
    .gemm, .convolution, .weightGradient, .matrixProduct, .matrixConvolution,
    .matrixWeightGradient,
  ]

  var pieces: [String] {
    switch self {
    case .pointwise: ["common/real.cl", "common/activation.cl", "pointwise/pointwise.cl"]
    case .cast: ["common/real.cl", "common/source.cl", "pointwise/cast.cl"]
    case .channelwise: ["common/real.cl", "pointwise/channelwise.cl"]
    case .permute: ["pointwise/permute.cl"]
    case .prepare: ["common/real.cl", "common/source.cl", "pointwise/prepare.cl"]
    case .flatReduction: ["common/real.cl", "common/tree.cl", "reduction/flat.cl"]
    case .channelReduction:
      [
        "common/real.cl", "common/tree.cl", "common/partial_sums.cl", "reduction/channels.cl",
      ]
    case .statistics:
      [
        "common/real.cl", "common/tree.cl", "common/moments.cl", "normalization/statistics.cl",
      ]
    case .normalization:
      [
        "common/real.cl", "common/activation.cl", "common/tree.cl", "normalization/apply.cl",
      ]
    case .windowPooling: ["common/real.cl", "pooling/window.cl"]
    case .globalPooling:
      [
        "common/real.cl", "common/activation.cl", "common/result.cl", "pooling/global.cl",
      ]
    case .crossEntropy: ["common/real.cl", "common/tree.cl", "loss/cross_entropy.cl"]
    case .update: ["common/real.cl", "optimizer/update.cl"]
    case .variables: ["common/real.cl", "optimizer/variables.cl"]
    case .decoding: ["common/real.cl", "common/philox.cl", "augmentation/decode.cl"]
    case .convolution:
      [
        "common/real.cl", "common/activation.cl", "common/result.cl", "common/tile.cl",
        "common/moments.cl", "common/partial_sums.cl", "convolution/register_tile.cl",
      ]
    case .weightGradient: ["common/real.cl", "common/tile.cl", "convolution/weight_gradient.cl"]
    case .gemm:
      [
        "common/real.cl", "common/activation.cl", "common/result.cl", "common/tile.cl",
        "gemm/register_tile.cl",
      ]
    case .gemmEpilogue:
      ["common/real.cl", "common/activation.cl", "common/result.cl", "gemm/epilogue.cl"]
    case .matrixProduct:
      [
        "common/real.cl", "common/activation.cl", "common/result.cl", "common/matrix_unit.cl",
        "common/matrix_tile.cl", "common/matrix_result.cl", "gemm/matrix_tile.cl",
      ]
    case .matrixConvolution:
      [
        "common/real.cl", "common/activation.cl", "common/result.cl", "common/matrix_unit.cl",
        "common/matrix_tile.cl", "common/moments.cl", "common/matrix_result.cl",
        "common/partial_sums.cl", "common/prologue.cl", "convolution/matrix_tile.cl",
      ]
    case .matrixWeightGradient:
      [
        "common/real.cl", "common/activation.cl", "common/matrix_unit.cl",
        "common/matrix_tile.cl", "common/prologue.cl",
        "convolution/matrix_tile_weight_gradient.cl",
      ]
    }
  }
}

/// A family with its tunables and shape class fixed: what is compiled and cached.
struct ProgramVariant: Hashable, Sendable {
  let family: ProgramFamily
  /// The element type of the kernels' `real`; nil where the family has none.
  let storage: DType?
  /// Macros and their values; those at their default of 0 are left out, so that equal programs are
  /// one program.
  let defines: [String: String]

  init(_ family: ProgramFamily, storage: DType?, _ defines: [String: Int] = [:]) {
    self.init(family, storage: storage, textDefines: defines.mapValues { String($0) })
  }

  init(_ family: ProgramFamily, storage: DType?, textDefines: [String: String]) {
    self.family = family
    self.storage = storage
    defines = textDefines.filter { $0.value != "0" }
  }

  func adding(_ more: [String: String]) -> ProgramVariant {
    ProgramVariant(
      family, storage: storage, textDefines: defines.merging(more) { _, new in new })
  }

  /// What the kernels' `accum` is.
  var accumulator: DType { storage?.accumulator ?? .float32 }

  /// The compiler's options, defines in alphabetical order.
  var options: String {
    var options = defines.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" }
    if let macro = storage.flatMap(Self.storageMacro) { options.append("-D\(macro)=1") }
    // Literals have no suffix in the kernels; without double arithmetic they are floats.
    if storage != .float64 { options.append("-cl-single-precision-constant") }
    return options.joined(separator: " ")
  }

  /// The macro that chooses an element type, with what it begins with removed: `FLOAT`.
  static func typeName(_ type: DType) -> String {
    switch type {
    case .float32: "FLOAT"
    case .float64: "DOUBLE"
    case .float16: "HALF"
    case .bfloat16: "BFLOAT16"
    case .uint8, .int32: preconditionFailure("kernels do not compute in \(type.rawValue)")
    }
  }

  private static func storageMacro(_ type: DType) -> String { "STORAGE_" + typeName(type) }
}

extension Epilogue {
  /// The defines of what is added before the activation, and of that.
  var defines: [String: String] {
    activation.defines.merging(
      ["HAS_BIAS": hasBias ? "1" : "0", "HAS_RESIDUAL": hasResidual ? "1" : "0"]
    ) { activation, _ in activation }
  }
}

extension Activation {
  /// The defines that make kernels/common/activation.cl this activation.
  var defines: [String: String] {
    [
      "ACTIVATION": String(kernelNumber),
      "ACTIVATION_PARAMETER": parameter == 0 ? "0" : String(parameter),
    ]
  }

  private var kernelNumber: Int {
    switch self {
    case .linear: 0
    case .relu: 1
    case .leakyReLU: 2
    case .tanh: 3
    case .hardTanh: 4
    case .sigmoid: 5
    case .erf: 6
    case .unitErf: 7
    case .selu: 8
    case .elu: 9
    case .softplus: 10
    case .silu: 11
    case .gelu: 12
    case .shiftedReLU: 13
    }
  }
}
