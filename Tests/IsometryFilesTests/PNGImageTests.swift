import IsometryFiles
import Testing

@Suite struct PNGImageTests {
  @Test func aFileBeginsWithItsSize() {
    let file = PNGImage(width: 2, height: 3, pixels: [UInt8](repeating: 200, count: 18)).file
    #expect(Array(file.prefix(8)) == [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    #expect(Array(file[16..<24]) == [0, 0, 0, 2, 0, 0, 0, 3])
    #expect(Array(file.suffix(8).prefix(4)) == Array("IEND".utf8))
  }

  /// Pixels that cannot be compressed take more room than they have.
  @Test func noiseIsEncodedToo() {
    var state: UInt32 = 1
    let pixels = (0..<3 * 64 * 64).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    #expect(PNGImage(width: 64, height: 64, pixels: pixels).file.count > pixels.count)
  }
}
