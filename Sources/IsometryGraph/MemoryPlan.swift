/// Offsets in one arena for tensors whose lifetimes are known, such that tensors share memory where
/// they do not live at the same time. Made once a session; a step allocates nothing.
///
/// Tensors are placed largest first, each at the lowest offset where it overlaps no tensor that lives
/// at the same time: the greedy-by-size strategy, whose arenas are within a few percent of the lower
/// bound for training graphs. O(n²) for n tensors.
///
/// - Source: Pisarchyk & Lee, "Efficient memory management for deep neural net inference" (2020).
public struct MemoryPlan: Sendable {
  /// One tensor's claim on the arena.
  public struct Request: Sendable {
    public let value: Value
    public let byteCount: Int
    /// The steps during which the contents matter, first and last included.
    public let lifetime: ClosedRange<Int>
    /// Tensors whose memory this one may take over when their last step is this one's first: the
    /// operands of an operation that can work in place.
    public let mayReplace: [Value]

    public init(
      _ value: Value, byteCount: Int, lifetime: ClosedRange<Int>, mayReplace: [Value] = []
    ) {
      precondition(byteCount >= 0, "a size is not negative")
      self.value = value
      self.byteCount = byteCount
      self.lifetime = lifetime
      self.mayReplace = mayReplace
    }
  }

  /// The offset of each requested tensor, a multiple of the alignment.
  public let offsets: [Value: Int]
  /// The size of the arena.
  public let byteCount: Int
  /// The most bytes that live at any one step: no plan can do with less.
  public let lowerBound: Int

  /// - Parameters:
  ///   - requests: one for each tensor, in any order.
  ///   - alignment: of every offset, in bytes; a power of two.
  public init(_ requests: [Request], alignment: Int) {
    precondition(alignment > 0 && alignment & (alignment - 1) == 0, "an alignment is a power of 2")
    let groups = Self.merged(requests, alignment: alignment)
    var placed: [Group] = []  // by offset
    var offsets: [Value: Int] = [:]
    let bySize = groups.sorted {
      ($0.byteCount, $1.lifetime.lowerBound) > ($1.byteCount, $0.lifetime.lowerBound)
    }
    for group in bySize {
      var offset = 0
      for other in placed where other.lifetime.overlaps(group.lifetime) {
        if other.offset >= offset + group.byteCount { break }
        offset = max(offset, other.offset + other.byteCount)
      }
      var settled = group
      settled.offset = offset
      let position = placed.firstIndex { $0.offset > offset } ?? placed.count
      placed.insert(settled, at: position)
      for value in group.values { offsets[value] = offset }
    }
    self.offsets = offsets
    byteCount = placed.map { $0.offset + $0.byteCount }.max() ?? 0
    lowerBound = Self.peak(of: groups)
  }

  /// Tensors that hand one place on to each other.
  private struct Group {
    var values: [Value]
    var byteCount: Int
    var lifetime: ClosedRange<Int>
    /// The first step of the last tensor that joined; two results of one step must not share.
    var lastJoined: Int
    var offset = 0
  }

  private static func merged(_ requests: [Request], alignment: Int) -> [Group] {
    var groups: [Group] = []
    var groupOf: [Value: Int] = [:]
    for request in requests.sorted(by: { $0.lifetime.lowerBound < $1.lifetime.lowerBound }) {
      let size = (request.byteCount + alignment - 1) / alignment * alignment
      let heir = request.mayReplace.compactMap { groupOf[$0] }.first {
        groups[$0].lifetime.upperBound == request.lifetime.lowerBound
          && groups[$0].lastJoined < request.lifetime.lowerBound && groups[$0].byteCount >= size
      }
      if let heir {
        groups[heir].values.append(request.value)
        groups[heir].lastJoined = request.lifetime.lowerBound
        groups[heir].lifetime = groups[heir].lifetime.lowerBound...request.lifetime.upperBound
        groupOf[request.value] = heir
      } else {
        groupOf[request.value] = groups.count
        groups.append(
          Group(
            values: [request.value], byteCount: size, lifetime: request.lifetime,
            lastJoined: request.lifetime.lowerBound))
      }
    }
    return groups
  }

  private static func peak(of groups: [Group]) -> Int {
    var changes: [Int: Int] = [:]
    for group in groups {
      changes[group.lifetime.lowerBound, default: 0] += group.byteCount
      changes[group.lifetime.upperBound + 1, default: 0] -= group.byteCount
    }
    var (live, peak) = (0, 0)
    for step in changes.keys.sorted() {
      live += changes[step] ?? 0
      peak = max(peak, live)
    }
    return peak
  }
}
