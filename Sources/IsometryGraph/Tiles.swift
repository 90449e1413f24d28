package import IsometryCore

/// The sizes of a kernel's tile, by names to which a backend gives a meaning.
package struct Tile: Sendable, Hashable, Codable, CustomStringConvertible {
  package let sizes: [String: Int]

  package init(_ sizes: [String: Int]) { self.sizes = sizes }

  package init(from decoder: any Decoder) throws {
    sizes = try decoder.singleValueContainer().decode([String: Int].self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(sizes)
  }

  /// `rows 8, vectors 2, width 16`
  package var description: String {
    sizes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}

/// A launch whose tile can be tuned. Launches of the same kernel on the same sizes are one site.
package struct TileSite: Sendable, Hashable, Codable, CustomStringConvertible {
  package let kernel: String
  /// The extents in words.
  package let shape: String
  package let precision: DType
  /// The units that multiply: portable code, or a kind of matrix units.
  package let units: String

  package init(kernel: String, shape: String, precision: DType, units: String) {
    self.kernel = kernel
    self.shape = shape
    self.precision = precision
    self.units = units
  }

  package var description: String { "\(kernel) \(shape) \(precision.rawValue), \(units)" }
}

/// The key of chosen tiles: other devices, drivers and kernels have other best tiles.
package struct TileKey: Sendable, Hashable, Codable {
  package let device: String
  package let driver: String
  /// `9.0`; nil off NVIDIA.
  package let computeCapability: String?
  /// Of the text of all kernels that have tiles.
  package let kernels: String

  package init(device: String, driver: String, computeCapability: String?, kernels: String) {
    self.device = device
    self.driver = driver
    self.computeCapability = computeCapability
    self.kernels = kernels
  }
}

/// Tiles that were measured to be good. Without one, a backend takes the choice of its model.
package typealias TileTable = [TileSite: Tile]

package struct TileUse: Sendable, Equatable {
  /// Different call sites of the step.
  package let sites: Int
  /// Those whose tile is a table's.
  package let tuned: Int
  /// Identifies the order of all sums, on which last bits depend.
  package let sums: String

  package init(sites: Int, tuned: Int, sums: String) {
    self.sites = sites
    self.tuned = tuned
    self.sums = sums
  }
}

/// A backend whose kernels have tiles to choose.
package protocol TunableBackend: Backend {
  var tileKey: TileKey { get }

  var tiles: TileTable { get }

  /// Each different call site of a step, with the tiles that it could have. The first is the site's tile
  /// without a table; the others are in the order that the backend's model expects,
  /// best first.
  ///
  /// - Parameter graph: optimized, as for `bind`.
  func tileCandidates(of graph: Graph) throws -> [(site: TileSite, tiles: [Tile])]

  /// A session that takes its tiles from a table instead of the backend's own. Memory that its
  /// steps do not write reads as 0.
  ///
  /// - Parameter graph: optimized, as for `bind`.
  func bind(
    _ graph: Graph, sharing session: (any Session)?, tiles: TileTable
  ) throws -> any Session
}
