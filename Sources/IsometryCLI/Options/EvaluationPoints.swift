import ArgumentParser
import IsometryTheory

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
