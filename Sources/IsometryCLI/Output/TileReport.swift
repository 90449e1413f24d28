import IsometryFiles
import IsometryGraph

/// The origin of the tiles of a session's kernels.
struct TileReport {
  private let use: TileUse

  init?(_ report: SessionReport) {
    guard let use = report.tiles, use.sites > 0 else { return nil }
    self.use = use
  }

  /// "26 of 34 tuned for this device"
  var line: String {
    switch use.tuned {
    case 0: "\(use.sites) by default; isometry tune may find faster ones for this device"
    case use.sites: "all \(use.sites) tuned for this device"
    default: "\(use.tuned) of \(use.sites) tuned for this device, the others by default"
    }
  }

  var members: [JSONValue.Member] {
    [.init("tiles", .integer(use.sites)), .init("tuned_tiles", .integer(use.tuned))]
  }
}
