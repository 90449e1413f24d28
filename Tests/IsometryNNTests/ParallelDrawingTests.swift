import IsometryCore
import Synchronization
import Testing

@testable import IsometryNN

@Suite struct ParallelDrawingTests {
  private static let layout = MultilayerPerceptron(
    depth: 40, width: 8, activation: .relu, imageShape: [1, 2, 4]
  ).layout
  private static let weights = layout.parameters.filter(\.role.isWeight)

  private func elements(of parameter: Parameter) -> [Double] {
    var random = parameter.randomStream(seed: 3)
    return random.normals(parameter.shape.elementCount)
  }

  /// One weight at once, some, all.
  @Test(arguments: [(0, 1), (200, 3), (Int.max, ParallelDrawingTests.weights.count)])
  func weightsAreStoredInOrderAndDrawnOnce(limit: Int, together: Int) throws {
    #expect(Self.weights.prefix(4).allSatisfy { $0.shape.elementCount == 64 })
    let drawn = Mutex<[String]>([])
    var stored: [String] = []
    try Self.layout.drawWeights(
      { parameter, elements in
        if stored.isEmpty { #expect(drawn.withLock { $0.count } == together) }
        stored.append(parameter.name)
        #expect(elements == self.elements(of: parameter))
      }, atOnce: limit,
      { parameter in
        drawn.withLock { $0.append(parameter.name) }
        return elements(of: parameter)
      })
    #expect(stored == Self.weights.map(\.name))
    #expect(drawn.withLock { $0.sorted() } == stored.sorted())
  }

  private struct Full: Error {}

  @Test func errorsEndTheDrawing() {
    let drawn = Mutex(0)
    var stored = 0
    #expect(throws: Full.self) {
      try Self.layout.drawWeights(
        { _, _ in
          stored += 1
          if stored == 5 { throw Full() }
        }, atOnce: 200,
        { parameter in
          drawn.withLock { $0 += 1 }
          return elements(of: parameter)
        })
    }
    #expect(stored == 5)
    #expect(drawn.withLock { $0 } == 6)
  }
}
