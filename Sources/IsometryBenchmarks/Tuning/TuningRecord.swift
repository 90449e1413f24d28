package import IsometryGraph

/// The measurements of tiles on one device, with one driver and one text of the kernels.
package struct TuningRecord: Codable, Equatable, Sendable {
  package struct Trial: Codable, Equatable, Sendable {
    package let tile: Tile
    /// Its time divided by that of the default tile, measured alternately; nil if it failed.
    package var ratio: Double?
    /// The reason not to try it again.
    package var failure: String?
  }

  package struct Site: Codable, Equatable, Sendable {
    package let site: TileSite
    /// The best tile; nil until all candidates have been tried.
    package var tile: Tile?
    /// Times of the best tile and of the default one when the best was chosen.
    package var milliseconds: Double?
    package var defaultMilliseconds: Double?
    package var trials: [Trial] = []
  }

  package let key: TileKey
  package private(set) var sites: [Site] = []

  package init(_ key: TileKey) { self.key = key }

  package subscript(site: TileSite) -> Site {
    get { sites.first { $0.site == site } ?? Site(site: site) }
    set {
      if let place = sites.firstIndex(where: { $0.site == site }) {
        sites[place] = newValue
      } else {
        sites.append(newValue)
      }
    }
  }

  package var table: TileTable {
    TileTable(
      sites.compactMap { site in site.tile.map { (site.site, $0) } },
      uniquingKeysWith: { _, last in last })
  }
}
