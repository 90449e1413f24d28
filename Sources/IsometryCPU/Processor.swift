internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

/// The processor and its abilities, as oneDNN sees them.
enum Processor {
  /// oneDNN's instruction sets are sets of bits; a larger set holds the smaller ones.
  private static func has(_ set: dnnl_cpu_isa_t) -> Bool {
    #if arch(x86_64)
      return dnnl_get_effective_cpu_isa().rawValue & set.rawValue == set.rawValue
    #else
      return false
    #endif
  }

  /// Native from avx512_core_bf16 on; oneDNN emulates it on avx512_core.
  static var computesInBFloat16: Bool { has(dnnl_cpu_isa_avx512_core) }

  /// Whether oneDNN's products in bf16 run on tiles (AMX), at many times the rate of vectors.
  static var multipliesTiles: Bool { has(dnnl_cpu_isa_avx512_core_amx) }

  /// The instructions for products in bf16.
  enum BFloat16Instructions {
    case none
    /// AVX-512 BF16.
    case vectors
    /// AMX.
    case tiles
  }

  /// The precision in which networks train fastest.
  static var fastestPrecision: PrecisionAdvice {
    fastestPrecision(
      multipliesTiles ? .tiles : has(dnnl_cpu_isa_avx512_core_bf16) ? .vectors : .none,
      isAMD: field("vendor_id") == "AuthenticAMD")
  }

  /// The precision that is fastest with these instructions. ResNet-18 trained with AVX-512 BF16 at 0.65
  /// times the rate of fp32 on an Intel Xeon without AMX, and faster than in fp32 on an AMD EPYC.
  static func fastestPrecision(
    _ instructions: BFloat16Instructions, isAMD: Bool
  ) -> PrecisionAdvice {
    switch instructions {
    case .tiles: PrecisionAdvice(.bf16, because: "the processor multiplies it on tiles (AMX)")
    case .vectors where isAMD:
      PrecisionAdvice(.bf16, because: "AVX-512 BF16 of AMD processors is faster than fp32")
    case .vectors:
      PrecisionAdvice(.fp32, because: "without AMX, bf16 is faster on AMD processors alone")
    case .none: PrecisionAdvice(.fp32, because: "the processor has no instructions for bf16")
    }
  }

  /// The layouts of images in oneDNN's fastest convolutions.
  static var imageLayouts: ImageLayouts {
    if has(dnnl_cpu_isa_avx512_core) { return ImageLayouts(lanes: 16, hasTiles: multipliesTiles) }
    return ImageLayouts(lanes: has(dnnl_cpu_isa_sse41) ? 8 : .max)
  }

  static var name: String { field("model name") ?? "processor" }

  /// The first processor's value of a field of `/proc/cpuinfo`.
  private static func field(_ name: String) -> String? {
    lines(of: "/proc/cpuinfo").first { $0.hasPrefix(name) }?
      .split(separator: ":", maxSplits: 1).last
      .map { String($0.drop { $0 == " " }) }
  }
}
