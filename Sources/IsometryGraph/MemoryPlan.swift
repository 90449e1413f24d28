/// Offsets in one arena for tensors whose lifetimes are known. Tensors share memory if they do not
/// live at the same time. A plan is made once a session; a step allocates nothing.
///
/// Tensors are placed largest first, each at the lowest offset where it overlaps no tensor that
/// lives at the same time. The arenas of this greedy-by-size strategy are within a few percent of
/// the lower bound for training graphs. O(n²) for n tensors.
///
/// An arena that exceeds one allocation is split into slabs. Each tensor lies in one of
/// them, the first with room.
///
/// - Source: Pisarchyk & Lee, "Efficient memory management for deep neural net inference" (2020).
public struct MemoryPlan: Sendable {
  /// One tensor's claim on the arena.
  public struct Request: Sendable {
    /// The size of its contents.
    public let byteCount: Int
    /// The positions of the launches from the first to the last for which the contents matter.
    public let lifetime: ClosedRange<Int>
    /// The use of the contents.
    public let use: MemoryUse
    /// Whether the tensor lies in the first slab, for launches that reach many tensors in one memory.
    public let isInFirstSlab: Bool

    /// A claim on the arena for a lifetime.
    public init(
      byteCount: Int, lifetime: ClosedRange<Int>, use: MemoryUse = .temporaries,
      isInFirstSlab: Bool = false
    ) {
      precondition(byteCount >= 0, "a size is not negative")
      self.byteCount = byteCount
      self.lifetime = lifetime
      self.use = use
      self.isInFirstSlab = isInFirstSlab
    }
  }

  /// The aligned offset of each requested tensor in its slab, in the order of the requests.
  public let offsets: [Int]
  /// The number of each requested tensor's slab, in the same order.
  public let slabs: [Int]
  /// The size of each slab. A tensor or a first slab over the limit has a slab of its own size.
  public let slabByteCounts: [Int]
  /// The size of the arena.
  public var byteCount: Int { slabByteCounts.reduce(0, +) }
  /// The most bytes that live at any one launch: no plan can do with less.
  public let lowerBound: Int
  /// The arena's contents at the first launch at which they are largest; `byteCount` in total.
  public let peak: MemoryBreakdown

  /// Plans an arena.
  ///
  /// - Parameters:
  ///   - requests: one for each tensor.
  ///   - alignment: of every offset, in bytes; a power of two.
  ///   - slabLimit: the most bytes of one slab; an arena within it is one slab.
  public init(_ requests: [Request], alignment: Int, slabLimit: Int = .max) {
    precondition(alignment > 0 && alignment & (alignment - 1) == 0, "an alignment is a power of 2")
    let claims = requests.enumerated().map { index, request in
      Claim(
        index: index, request: request,
        byteCount: (request.byteCount + alignment - 1) / alignment * alignment)
    }
    let bySize = claims.sorted {
      ($0.byteCount, $1.request.lifetime.lowerBound)
        > ($1.byteCount, $0.request.lifetime.lowerBound)
    }
    var slabs = Self.placed(bySize, slabLimit: .max)
    if slabs.contains(where: { Self.end(of: $0) > slabLimit }) {
      // Without the larger limit, a tensor beyond `slabLimit` would find no slab.
      slabs = Self.placed(
        bySize.filter(\.request.isInFirstSlab) + bySize.filter { !$0.request.isInFirstSlab },
        slabLimit: max(slabLimit, bySize[0].byteCount))
    }
    let placed = slabs.joined().sorted { $0.index < $1.index }
    offsets = placed.map(\.offset)
    self.slabs = placed.map(\.slab)
    slabByteCounts = slabs.map(Self.end)
    let byteCount = slabByteCounts.reduce(0, +)
    let fullest = Self.peak(of: claims.map { ($0.request.lifetime, $0.byteCount) })
    var peak = MemoryBreakdown()
    for claim in claims where claim.request.lifetime.contains(fullest.position) {
      peak.add(claim.byteCount, claim.request.use)
    }
    peak.add(byteCount - fullest.byteCount, .gaps)
    lowerBound = fullest.byteCount
    self.peak = peak
  }

  /// A request in multiples of the alignment, and where it is placed.
  private struct Claim {
    let index: Int
    let request: Request
    let byteCount: Int
    var slab = 0
    var offset = 0
  }

  /// The claims of each slab, by offset.
  private static func placed(_ claims: [Claim], slabLimit: Int) -> [[Claim]] {
    var slabs: [[Claim]] = []
    for var claim in claims {
      while true {
        if claim.slab == slabs.count { slabs.append([]) }
        let neighbors = slabs[claim.slab]
        claim.offset = 0
        for other in neighbors where other.request.lifetime.overlaps(claim.request.lifetime) {
          if other.offset >= claim.offset + claim.byteCount { break }
          claim.offset = max(claim.offset, other.offset + other.byteCount)
        }
        if claim.offset + claim.byteCount <= slabLimit || claim.request.isInFirstSlab {
          let position = neighbors.firstIndex { $0.offset > claim.offset } ?? neighbors.count
          slabs[claim.slab].insert(claim, at: position)
          break
        }
        claim.slab += 1
      }
    }
    return slabs
  }

  private static func end(of claims: [Claim]) -> Int {
    claims.map { $0.offset + $0.byteCount }.max() ?? 0
  }

  /// The first position at which the most bytes live, and how many. O(n log n).
  static func peak(
    of claims: [(lifetime: ClosedRange<Int>, byteCount: Int)]
  ) -> (position: Int, byteCount: Int) {
    var changes: [Int: Int] = [:]
    for (lifetime, byteCount) in claims {
      changes[lifetime.lowerBound, default: 0] += byteCount
      changes[lifetime.upperBound + 1, default: 0] -= byteCount
    }
    var live = 0
    var fullest = (position: 0, byteCount: 0)
    for position in changes.keys.sorted() {
      live += changes[position] ?? 0
      if live > fullest.byteCount { fullest = (position, live) }
    }
    return fullest
  }
}
