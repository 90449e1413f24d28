import IsometryCore
import Testing

@Suite struct RandomStreamTests {
  /// The known answers that Random123 publishes for philox4x32-10: counter, key, result.
  @Test(arguments: [
    ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
      [UInt32](repeating: .max, count: 4), [.max, .max],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ])
  func philoxGivesThePublishedWords(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
    func joined(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
    let block = RandomStream.block(
      seed: joined(key[0], key[1]), stream: joined(counter[2], counter[3]),
      index: joined(counter[0], counter[1]))
    #expect((0..<4).map { block[$0] } == expected)
  }

  @Test func aStreamGoesOnFromAnyPosition() {
    var whole = RandomStream(seed: 7, stream: 3)
    let words = (0..<50).map { _ in whole.nextUInt32() }
    for position in 0..<50 {
      var rest = RandomStream(seed: 7, stream: 3, position: UInt64(position))
      #expect((position..<50).map { _ in rest.nextUInt32() } == Array(words[position...]))
    }
  }

  @Test func streamsAndSeedsDiffer() {
    var streams = [
      RandomStream(seed: 1), RandomStream(seed: 2), RandomStream(seed: 1, stream: 1),
      RandomStream(seed: 1, stream: 1 << 32), RandomStream(seed: 1 << 32),
    ]
    let first = streams.indices.map { streams[$0].next() }
    #expect(Set(first).count == streams.count)
  }

  @Test func uniformNumbersFillTheUnitInterval() {
    var random = RandomStream(seed: 11)
    let numbers = (0..<10_000).map { _ in random.uniform() }
    #expect(numbers.allSatisfy { (0..<1).contains($0) })
    // The mean's standard error is 1/√(12·10⁴); five of them.
    let mean: Double = numbers.reduce(0, +) / 10_000
    #expect(abs(mean - 0.5) < 5 / 120_000.0.squareRoot())
  }

  @Test func normalNumbersHaveTheMomentsOfTheNormalLaw() {
    var random = RandomStream(seed: 12)
    let count = 40_000
    let numbers = random.normals(count)
    func moment(_ power: Int) -> Double {
      numbers.map { number in (0..<power).reduce(1.0) { product, _ in product * number } }
        .reduce(0, +) / Double(count)
    }
    let error = 5 / Double(count).squareRoot()
    #expect(abs(moment(1)) < error)
    #expect(abs(moment(2) - 1) < error * (2.0).squareRoot())
    #expect(abs(moment(4) - 3) < error * (96.0).squareRoot())
  }

  @Test(arguments: [1, 2, 3, 7, 10, 1000, 0x8000_0001] as [UInt32])
  func integersStayBelowTheirBound(bound: UInt32) {
    var random = RandomStream(seed: UInt64(bound))
    let numbers = (0..<2000).map { _ in random.integer(below: bound) }
    #expect(numbers.allSatisfy { $0 < bound })
    if bound <= 10 { #expect(Set(numbers).count == Int(bound)) }
  }

  @Test(arguments: [0, 1, 2, 5, 100])
  func aPermutationHoldsEveryNumberOnce(count: Int) {
    var random = RandomStream(seed: 5)
    let order = random.permutation(count)
    #expect(order.sorted() == (0..<Int32(count)).map { $0 })
  }
}
