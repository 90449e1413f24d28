import IsometryCore
import Testing

@Suite struct HalfPrecisionTests {
  @Test func everyBfloat16SurvivesTheRoundTrip() {
    for bits in UInt16.min ... .max {
      let value = HalfPrecision.float(bfloat16Bits: bits)
      #expect(value.bitPattern == UInt32(bits) << 16)
      guard !value.isNaN else {
        #expect(HalfPrecision.float(bfloat16Bits: HalfPrecision.bfloat16Bits(value)).isNaN)
        continue
      }
      #expect(HalfPrecision.bfloat16Bits(value) == bits)
    }
  }

  #if arch(arm64) || arch(x86_64)
    @Test func everyHalfIsTheProcessors() {
      for bits in UInt16.min ... .max {
        let expected = Float(Float16(bitPattern: bits))
        let value = HalfPrecision.float(float16Bits: bits)
        guard !expected.isNaN else {
          #expect(value.isNaN)
          #expect(HalfPrecision.float(float16Bits: HalfPrecision.float16Bits(value)).isNaN)
          continue
        }
        #expect(value.bitPattern == expected.bitPattern)
        #expect(HalfPrecision.float16Bits(value) == bits)
      }
    }

    /// Numbers at, and one unit beside, the middle between two neighboring halves.
    @Test func roundingToHalfIsTheProcessors() {
      for bits in UInt16.min..<0x7C00 {
        let low = Float(Float16(bitPattern: bits))
        let high = bits == 0x7BFF ? 65536 : Float(Float16(bitPattern: bits + 1))
        let middle = (low + high) / 2
        for value in [low, middle.nextDown, middle, middle.nextUp] {
          for signed in [value, -value] {
            #expect(
              HalfPrecision.float16Bits(signed) == Float16(signed).bitPattern, "\(signed)")
          }
        }
      }
    }
  #endif

  /// The nearest bfloat16 by definition: of two neighbors the nearer, of equally near the even one.
  @Test func roundingToBfloat16IsToTheNearest() {
    for bits in stride(from: UInt16.min, to: 0x7F7F, by: 1) {
      let low = HalfPrecision.float(bfloat16Bits: bits)
      let high = HalfPrecision.float(bfloat16Bits: bits + 1)
      let middle = low / 2 + high / 2
      let even = bits & 1 == 0 ? bits : bits + 1
      // Halving the smallest numbers is not exact.
      guard low >= 0x1p-120 else { continue }
      #expect(HalfPrecision.bfloat16Bits(middle.nextDown) == bits)
      #expect(HalfPrecision.bfloat16Bits(middle) == even)
      #expect(HalfPrecision.bfloat16Bits(middle.nextUp) == bits + 1)
      #expect(HalfPrecision.bfloat16Bits(-middle) == even | 0x8000)
    }
    #expect(HalfPrecision.bfloat16Bits(.greatestFiniteMagnitude) == 0x7F80)
    #expect(HalfPrecision.bfloat16Bits(-.infinity) == 0xFF80)
    #expect(HalfPrecision.bfloat16Bits(-0.0) == 0x8000)
  }

  /// A NaN whose payload lies in the dropped bits alone stays one.
  @Test func everyNaNStaysOne() {
    for bits in [0x7F80_0001, 0xFF80_0001, 0x7FC0_0000, 0x7FFF_FFFF] as [UInt32] {
      let value = Float(bitPattern: bits)
      #expect(HalfPrecision.float(bfloat16Bits: HalfPrecision.bfloat16Bits(value)).isNaN)
      #expect(HalfPrecision.float(float16Bits: HalfPrecision.float16Bits(value)).isNaN)
    }
  }
}
