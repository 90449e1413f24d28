package import IsometryCore

// Terms of messages about networks.
extension Term {
  package static let normalization = Term("normalization")
  package static let skip = Term("skip")
  package static let skipWeight = Term("skipWeight")
  package static let initializer = Term("initializer")
  package static let activation = Term("activation")
}
