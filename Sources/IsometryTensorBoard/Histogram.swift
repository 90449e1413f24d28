/// Numbers counted in intervals of equal width. NaN and infinities have no interval and are left out.
package struct Histogram: Sendable {
  private static let intervals = 30

  let message: WireHistogram

  /// - Parameter weights: the count of each number; nil for 1.
  package init(_ numbers: [Double], weights: [Double]? = nil) {
    let counted = numbers.indices.lazy.filter { numbers[$0].isFinite }
    var message = WireHistogram()
    message.min = counted.reduce(.infinity) { Swift.min($0, numbers[$1]) }
    message.max = counted.reduce(-.infinity) { Swift.max($0, numbers[$1]) }
    guard message.min <= message.max else {
      self.message = WireHistogram()
      return
    }
    // Half of each, because the difference of finite numbers may be infinite.
    let halfWidth = message.max / 2 - message.min / 2
    let count = halfWidth > 0 ? Self.intervals : 1
    var buckets = [Double](repeating: 0, count: count)
    for index in counted {
      let (number, weight) = (numbers[index], weights?[index] ?? 1)
      message.num += weight
      message.sum += weight * number
      message.sumSquares += weight * number * number
      let share = halfWidth > 0 ? (number / 2 - message.min / 2) / halfWidth : 0
      buckets[Swift.min(count - 1, Int(share * Double(count)))] += weight
    }
    message.bucket = buckets
    message.bucketLimit = (1...count).map { number in
      number == count
        ? message.max : message.min + 2 * (halfWidth * (Double(number) / Double(count)))
    }
    self.message = message
  }
}
