import IsometryFiles
import IsometryGraph

/// The origin of the tiles of a session's kernels.
extension TileUse {
  /// "26 of 34 tuned for this device"; nil if there are none.
  var line: String? {
    switch tuned {
    case _ where sites == 0: nil
    case 0: "\(sites) by default; isometry tune may find faster ones for this device"
    case sites: "all \(sites) tuned for this device"
    default: "\(tuned) of \(sites) tuned for this device, the others by default"
    }
  }

  var members: [JSONValue.Member] {
    sites == 0 ? [] : [.init("tiles", .integer(sites)), .init("tuned_tiles", .integer(tuned))]
  }
}
