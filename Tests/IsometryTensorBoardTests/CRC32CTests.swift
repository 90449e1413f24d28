import Testing

@testable import IsometryTensorBoard

@Suite struct CRC32CTests {
  /// RFC 3720, appendix B.4, and the check value of the catalog of CRC algorithms.
  private static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
    ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
    ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
    ([UInt8](0..<32), 0x46dd_794e),
    ([UInt8]((0..<32).reversed()), 0x113f_db5c),
    (Array("123456789".utf8), 0xe306_9283),
    ([], 0),
  ]

  @Test func checksumsAreThoseOfTheStandard() {
    for vector in Self.vectors {
      #expect(CRC32C.checksum(vector.bytes) == vector.checksum)
    }
  }

  /// TensorFlow's `crc32c_test.cc`: the mask changes a checksum, and twice the mask changes it again.
  @Test func theMaskRotatesAndShifts() {
    let sum = CRC32C.checksum(Array("foo".utf8))
    #expect(CRC32C.masked(Array("foo".utf8)) == ((sum >> 15) | (sum << 17)) &+ 0xa282_ead8)
    #expect(CRC32C.masked([]) == 0xa282_ead8)
  }
}
