import IsometryCore
import Testing

@testable import IsometryCPU

@Suite struct ZeroedMemoryTests {
  /// Small memory and large, with a rest behind the last huge page; made again after use, as the system
  /// and the heap give the same memory twice.
  @Test(arguments: [0, 1, 4096, HugePages.size - 1, HugePages.size, 3 * HugePages.size + 4097])
  func memoryIsZeroAlignedAndWritable(byteCount: Int) {
    for _ in 0..<3 {
      let memory = ZeroedMemory(byteCount: byteCount)
      let bytes = UnsafeMutableRawBufferPointer(start: memory.pointer, count: byteCount)
      #expect(UInt(bitPattern: memory.pointer) % 64 == 0)
      #expect(bytes.allSatisfy { $0 == 0 })
      bytes.initializeMemory(as: UInt8.self, repeating: 7)
      #expect(bytes.allSatisfy { $0 == 7 })
    }
  }
}
