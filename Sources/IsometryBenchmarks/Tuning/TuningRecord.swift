package import IsometryGraph

/// The measurements of tiles on one device, with one driver and one text of the kernels.
package struct TuningRecord: Codable, Equatable, Sendable {
  /// A tile that was tried.
  package struct Trial: Codable, Equatable, Sendable {
    package let tile: Tile
    /// Its time divided by that of the default tile, measured alternately; nil if it failed.
    package let ratio: Double?
    /// The reason not to try it again.
    package let failure: String?

    package init(_ tile: Tile, ratio: Double) {
      (self.tile, self.ratio, failure) = (tile, ratio, nil)
    }

    package init(_ tile: Tile, failure: String) {
      (self.tile, ratio, self.failure) = (tile, nil, failure)
    }
  }

  /// A call site and its measurements.
  package struct Site: Codable, Equatable, Sendable {
    package let site: TileSite
    /// The best tile; nil until all candidates have been tried.
    package var tile: Tile?
    /// Times of the best tile and of the default one when the best was chosen.
    package var milliseconds: Double?
    package var defaultMilliseconds: Double?
    package var trials: [Trial] = []

    package init(_ site: TileSite) { self.site = site }
  }

  package let key: TileKey
  package private(set) var sites: [Site] = []

  package init(_ key: TileKey) { self.key = key }

  /// The measurements of a call site. Setting them replaces the old ones.
  package subscript(site: TileSite) -> Site {
    get { sites.first { $0.site == site } ?? Site(site) }
    set {
      if let place = sites.firstIndex(where: { $0.site == site }) {
        sites[place] = newValue
      } else {
        sites.append(newValue)
      }
    }
  }

  /// The chosen tiles.
  package var table: TileTable {
    TileTable(
      Dictionary(
        sites.compactMap { site in site.tile.map { (site.site, $0) } },
        uniquingKeysWith: { _, last in last }))
  }
}
