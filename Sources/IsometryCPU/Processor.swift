internal import COneDNN
internal import IsometryCore

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

  /// The number of channels that oneDNN's fastest convolutions take at once. No tensor has the channels
  /// of the last case: everything stays plain.
  static var channelsPerBlock: Int {
    if has(dnnl_cpu_isa_avx512_core) { return 16 }
    return has(dnnl_cpu_isa_sse41) ? 8 : .max
  }

  static var name: String {
    let name = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") }?
      .split(separator: ":", maxSplits: 1).last
    return name.map { String($0.drop { $0 == " " }) } ?? "processor"
  }
}
