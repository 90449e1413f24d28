internal import IsometryCore

extension Graph {
  /// The sum of all elements, [1] of the accumulator's type.
  public mutating func sum(_ x: Value) -> Value { appendOne(.sum, x) }

  /// The sum of products of elements, [1] of the accumulator's type.
  public mutating func dot(_ x: Value, _ y: Value) -> Value { appendOne(.dot, x, y) }

  /// The sum over all axes but the channel, [C] of the accumulator's type.
  public mutating func channelSum(_ x: Value) -> Value { appendOne(.channelSum, x) }
}
