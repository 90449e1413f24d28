import ArgumentParser
import IsometryTheory

/// - Throws: `ValidationError` for an empty path, as an unset variable of a shell leaves it: joined with
///   the name of a file it would mean the root folder.
func checkPath(_ path: String?, _ option: String) throws(ValidationError) {
  guard path?.isEmpty == true else { return }
  throw ValidationError("\(option) should name a file or folder, not nothing")
}

/// - Parameter reason: of the limits, or another command without them.
func checkRange(
  _ value: Int, _ option: String, _ range: ClosedRange<Int>, because reason: String? = nil
) throws(ValidationError) {
  guard !range.contains(value) else { return }
  throw ValidationError(
    "\(option) should be \(range.lowerBound) to \(range.upperBound), not \(value)"
      + (reason.map { ": \($0)" } ?? ""))
}

func checkPoints(
  _ points: [Double], _ name: String, expected: String, _ isLegal: (Double) -> Bool
) throws {
  if let point = points.first(where: { !$0.isFinite }) {
    throw ValidationError("--at should be finite numbers, not \(point)")
  }
  if let point = points.first(where: { !isLegal($0) }) {
    throw TheoryError.outsideDomain(parameter: name, value: point, expected: expected)
  }
}
