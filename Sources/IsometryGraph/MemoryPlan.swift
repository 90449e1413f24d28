/// Offsets in one arena for tensors whose lifetimes are known. Tensors share memory if they do not
/// live at the same time. Made once a session; a step allocates nothing.
///
/// Tensors are placed largest first, each at the lowest offset where it overlaps no tensor that
/// lives at the same time. The arenas of this greedy-by-size strategy are within a few percent of
/// the lower bound for training graphs. O(n²) for n tensors.
///
/// - Source: Pisarchyk & Lee, "Efficient memory management for deep neural net inference" (2020).
public struct MemoryPlan: Sendable {
  /// One tensor's claim on the arena.
  public struct Request: Sendable {
    /// The size of its contents.
    public let byteCount: Int
    /// The steps during which the contents matter, first and last included.
    public let lifetime: ClosedRange<Int>
    /// The use of the contents.
    public let use: MemoryUse

    /// A claim on the arena for the steps of a lifetime.
    public init(
      byteCount: Int, lifetime: ClosedRange<Int>, use: MemoryUse = .temporaries
    ) {
      precondition(byteCount >= 0, "a size is not negative")
      self.byteCount = byteCount
      self.lifetime = lifetime
      self.use = use
    }
  }

  /// The offset of each requested tensor, in the order of the requests; multiples of the alignment.
  public let offsets: [Int]
  /// The size of the arena.
  public let byteCount: Int
  /// The most bytes that live at any one step: no plan can do with less.
  public let lowerBound: Int
  /// The arena's contents at the first step at which they are largest; `byteCount` in total.
  public let peak: MemoryBreakdown

  /// - Parameters:
  ///   - requests: one for each tensor.
  ///   - alignment: of every offset, in bytes; a power of two.
  public init(_ requests: [Request], alignment: Int) {
    precondition(alignment > 0 && alignment & (alignment - 1) == 0, "an alignment is a power of 2")
    let claims = requests.enumerated().map { index, request in
      Claim(
        index: index, lifetime: request.lifetime, use: request.use,
        byteCount: (request.byteCount + alignment - 1) / alignment * alignment)
    }
    let bySize = claims.sorted {
      ($0.byteCount, $1.lifetime.lowerBound) > ($1.byteCount, $0.lifetime.lowerBound)
    }
    var placed: [Claim] = []  // by offset
    for var claim in bySize {
      for other in placed where other.lifetime.overlaps(claim.lifetime) {
        if other.offset >= claim.offset + claim.byteCount { break }
        claim.offset = max(claim.offset, other.offset + other.byteCount)
      }
      let position = placed.firstIndex { $0.offset > claim.offset } ?? placed.count
      placed.insert(claim, at: position)
    }
    offsets = placed.sorted { $0.index < $1.index }.map(\.offset)
    let byteCount = placed.map { $0.offset + $0.byteCount }.max() ?? 0
    let fullest = Self.fullestStep(claims.map { ($0.lifetime, $0.byteCount) })
    var peak = MemoryBreakdown()
    for claim in claims where claim.lifetime.contains(fullest.step) {
      peak.add(claim.byteCount, claim.use)
    }
    peak.add(byteCount - fullest.byteCount, .gaps)
    self.byteCount = byteCount
    lowerBound = fullest.byteCount
    self.peak = peak
  }

  /// A request in multiples of the alignment, and where it is placed.
  private struct Claim {
    let index: Int
    let lifetime: ClosedRange<Int>
    let use: MemoryUse
    let byteCount: Int
    var offset = 0
  }

  /// The first step at which the most bytes live, and how many. O(n log n).
  static func fullestStep(
    _ claims: [(lifetime: ClosedRange<Int>, byteCount: Int)]
  ) -> (step: Int, byteCount: Int) {
    var changes: [Int: Int] = [:]
    for (lifetime, byteCount) in claims {
      changes[lifetime.lowerBound, default: 0] += byteCount
      changes[lifetime.upperBound + 1, default: 0] -= byteCount
    }
    var live = 0
    var fullest = (step: 0, byteCount: 0)
    for step in changes.keys.sorted() {
      live += changes[step] ?? 0
      if live > fullest.byteCount { fullest = (step, live) }
    }
    return fullest
  }
}
