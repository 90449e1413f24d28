/// A short hash of a text. Equal texts have equal hashes; other texts almost certainly have others.
package func fingerprint(of text: String) -> String { hexadecimal(checksum(Array(text.utf8))) }

/// The 64-bit hash of Fowler, Noll and Vo (variant 1a).
package func checksum(_ bytes: [UInt8]) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  return hash
}

/// All 16 digits of a number.
package func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
