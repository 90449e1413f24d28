import IsometryCore
import IsometryGraph
import Testing

@Suite struct DeviceLimitErrorTests {
  @Test func whatIsNeededLooksLikeMoreThanTheLimit() {
    for allowed in [(8 << 20) - 1, 8 << 20, (8 << 20) + 1] {
      let text = DeviceLimitError(
        device: "a device", what: "inputs", batch: nil, limit: .bytesOfBuffer, needed: allowed + 1,
        allowed: allowed
      ).description
      #expect(text.contains("take \((allowed >> 20) + 1) MiB"), "\(text)")
      #expect(text.contains("allows \(allowed >> 20) MiB"), "\(text)")
    }
  }
}
