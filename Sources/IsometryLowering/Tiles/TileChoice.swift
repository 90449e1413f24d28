import IsometryCore
package import IsometryGraph

/// A possible tile of a launch.
protocol TileCandidate {
  /// As tables name it.
  var tile: Tile { get }
}

/// A call site whose tile was chosen.
package struct TileChoice {
  package let site: TileSite
  /// Whether a table has chosen.
  let isTuned: Bool
  /// What decides the order of sums.
  let order: [Int]
  package let candidates: () -> [Tile]
}

/// The tiles of a step's launches, chosen one site at a time.
package struct TileSelection {
  /// Tiles that are known to be good on the device.
  private let table: TileTable
  let computeUnits: Int
  package private(set) var choices: [TileChoice] = []
  private var positions: [TileSite: Int] = [:]

  init(_ table: TileTable, computeUnits: Int) {
    self.table = table
    self.computeUnits = computeUnits
  }

  /// The tile of a launch: the table's if it has one that the launch can have, else the first.
  ///
  /// - Parameters:
  ///   - candidates: all that the launch can have; the first is what a model of the device prefers.
  ///   - order: what of a candidate decides in which order terms are added up, and so on the last bits.
  mutating func choose<Candidate: TileCandidate>(
    _ kernel: String, _ shape: String, _ dtype: DType, _ units: MatrixUnits? = nil,
    preferring preferred: Candidate, among candidates: @escaping () -> [Candidate],
    order: (Candidate) -> [Int]
  ) -> Candidate {
    let site = TileSite(
      kernel: kernel, shape: shape, precision: dtype, units: units?.kind.rawValue ?? "portable")
    let tuned = table[site].flatMap { tile in candidates().first { $0.tile == tile } }
    let chosen = tuned ?? preferred
    let choice = TileChoice(
      site: site, isTuned: tuned != nil, order: order(chosen),
      candidates: { candidates().map(\.tile) })
    // A site that comes again has the same tile, but may add up more with it.
    if let known = positions[site] {
      if !choice.order.isEmpty { choices[known] = choice }
    } else {
      positions[site] = choices.count
      choices.append(choice)
    }
    return chosen
  }

  var use: TileUse {
    let orders = choices.filter { !$0.order.isEmpty }.map { "\($0.site): \($0.order)\n" }
    return TileUse(
      sites: choices.count, tuned: choices.count { $0.isTuned },
      sums: fingerprint(of: orders.sorted().joined()))
  }
}

/// Candidates in the order of their expected cost.
///
/// - Parameters:
///   - preferred: comes first, whatever the model says.
///   - cost: a relative time.
func ranked<Candidate: TileCandidate>(
  _ candidates: [Candidate], preferring preferred: Candidate, cost: (Candidate) -> Double
) -> [Candidate] {
  var known: Set<Tile> = [preferred.tile]
  let others = candidates.filter { known.insert($0.tile).inserted }
  let order = others.enumerated().map { (position: $0.offset, cost: cost($0.element)) }
    .sorted { ($0.cost, $0.position) < ($1.cost, $1.position) }
  return [preferred] + order.prefix(mostCandidates - 1).map { others[$0.position] }
}

/// Of one call site: what is measured in some seconds.
private let mostCandidates = 16
