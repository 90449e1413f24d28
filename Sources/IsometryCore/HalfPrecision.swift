/// Conversions to and from the 16-bit floating-point formats. They round to nearest, ties to even, like
/// the processors' instructions.
public enum HalfPrecision {
  /// The bit pattern of the bfloat16 nearest to `value`.
  @inlinable
  public static func bfloat16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }

  /// The exact value of a bfloat16 bit pattern.
  @inlinable
  public static func float(bfloat16Bits bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  /// The bit pattern of the IEEE half nearest to `value`.
  public static func float16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: (bits >> 16) & 0x8000)
    if value.isNaN { return sign | 0x7E00 }
    let magnitude = value.magnitude
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 {
      // Subnormal halves are multiples of 2^-24. Rounding is to nearest even.
      let scaled = (magnitude * 0x1p24).rounded(.toNearestOrEven)
      return sign | UInt16(scaled)
    }
    let rebased = (bits & 0x7FFF_FFFF) &- (112 << 23)
    let rounded = rebased &+ 0x0FFF &+ ((rebased >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: rounded >> 13)
  }

  /// The exact value of an IEEE half bit pattern.
  public static func float(float16Bits bits: UInt16) -> Float {
    Float(Float16(bitPattern: bits))
  }
}
