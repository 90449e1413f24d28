package import IsometryCore
import IsometryGraph

/// The programs of kernels/, each by the file with its entry points (`KernelSources.pieces`).
/// scripts/kernel-programs.txt lists the same files for the offline compilers; a test holds both equal.
package enum ProgramFamily: String, CaseIterable, Sendable {
  case pointwise = "pointwise/pointwise.cl"
  case cast = "pointwise/cast.cl"
  case channelwise = "pointwise/channelwise.cl"
  case permute = "pointwise/permute.cl"
  case prepare = "pointwise/prepare.cl"
  case flatReduction = "reduction/flat.cl"
  case channelReduction = "reduction/channels.cl"
  case normalization = "normalization/apply.cl"
  case weightStandardization = "normalization/weights.cl"
  case windowPooling = "pooling/window.cl"
  case globalPooling = "pooling/global.cl"
  case crossEntropy = "loss/cross_entropy.cl"
  case update = "optimizer/update.cl"
  case adaptiveClip = "optimizer/adaptive_clip.cl"
  case orthogonalUpdate = "optimizer/orthogonal.cl"
  case decoding = "augmentation/decode.cl"
  case mixing = "augmentation/mix.cl"
  case convolution = "convolution/register_tile.cl"
  case weightGradient = "convolution/weight_gradient.cl"
  case gemm = "gemm/register_tile.cl"
  case gemmEpilogue = "gemm/epilogue.cl"
  case matrixProduct = "gemm/matrix_tile.cl"
  case matrixConvolution = "convolution/matrix_tile.cl"
  case matrixWeightGradient = "convolution/matrix_tile_weight_gradient.cl"

  /// Those whose programs have tiles to choose.
  package static let withTiles: [ProgramFamily] = [
    .gemm, .convolution, .weightGradient, .matrixProduct, .matrixConvolution,
    .matrixWeightGradient,
  ]

  /// The path with hyphens, `convolution-register-tile`.
  package var name: String { String(rawValue.dropLast(3).map { "/_".contains($0) ? "-" : $0 }) }
}

/// A family with its tunables and shape class fixed: what is compiled and cached.
package struct ProgramVariant: Hashable, Sendable {
  package let family: ProgramFamily
  /// The element type of the kernels' `real`; nil if the family has none.
  package let storage: DType?
  /// Macros and their values without those at their default of 0, so that equal programs are one.
  package let defines: [String: String]

  package init(_ family: ProgramFamily, storage: DType?, _ defines: [String: Int] = [:]) {
    self.init(family, storage: storage, textDefines: defines.mapValues { String($0) })
  }

  package init(_ family: ProgramFamily, storage: DType?, textDefines: [String: String]) {
    self.family = family
    self.storage = storage
    defines = textDefines.filter { $0.value != "0" }
  }

  package func adding(_ more: [String: String]) -> ProgramVariant {
    ProgramVariant(
      family, storage: storage, textDefines: defines.merging(more) { _, new in new })
  }

  /// The type of the kernels' `accum`.
  package var accumulator: DType { storage?.accumulator ?? .float32 }

  /// Every macro with its value, the element type's among them.
  package var macros: [String: String] {
    guard let storage else { return defines }
    return defines.merging(["STORAGE_" + Self.typeName(storage): "1"]) { $1 }
  }

  /// The value of `ACTIVATION` of a launch that applies none. `sharingPrograms` replaces it.
  static let anyActivation = ["ACTIVATION": "-1"]

  /// The variant of the same launch without its activation.
  var withAnyActivation: ProgramVariant {
    adding(["ACTIVATION_PARAMETER": "0", "SLOPE_FROM_OUTPUT": "0"]).adding(Self.anyActivation)
  }

  /// The macro that chooses an element type, without its prefix: `FLOAT`.
  package static func typeName(_ type: DType) -> String {
    switch type {
    case .float32: "FLOAT"
    case .float64: "DOUBLE"
    case .float16: "HALF"
    case .bfloat16: "BFLOAT16"
    case .uint8, .int32: preconditionFailure("kernels do not compute in \(type.rawValue)")
    }
  }
}

extension [PlannedLaunch] {
  /// The same launches; those that apply no activation have the program of others that apply one, so that
  /// fewer programs are built. Kernels that could apply one take `Epilogue.terms` or `GradientEpilogue.terms`.
  var sharingPrograms: [PlannedLaunch] {
    var known: [ProgramVariant: ProgramVariant] = [:]
    for case .kernel(let launch) in self {
      let (variant, any) = (launch.variant, launch.variant.withAnyActivation)
      if variant != any, known[any] == nil { known[any] = variant }
    }
    return map { launch in
      guard case .kernel(var kernel) = launch, kernel.variant == kernel.variant.withAnyActivation
      else { return launch }
      kernel.variant = known[kernel.variant] ?? kernel.variant.adding(["ACTIVATION": "0"])
      return .kernel(kernel)
    }
  }
}

extension Epilogue {
  /// The defines of the activation.
  var defines: [String: String] {
    activation == .linear ? ProgramVariant.anyActivation : activation.defines
  }

  /// The argument `terms` of kernels/common/activation.cl.
  var terms: Argument {
    .integer((hasBias ? 1 : 0) + (hasResidual ? 2 : 0) + (activation == .linear ? 0 : 4))
  }
}

extension Activation {
  /// The defines that make kernels/common/activation.cl this activation.
  package var defines: [String: String] {
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
