import Glibc
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

  /// Room for one weight, for some, for all.
  @Test(arguments: [0, 200, Int.max])
  func weightsAreStoredInOrderAndDrawnOnce(ahead: Int) throws {
    let drawn = Mutex<[String]>([])
    var stored: [String] = []
    let other = try Self.layout.drawWeights(
      ahead: ahead, meanwhile: { "meanwhile" },
      { parameter, elements in
        stored.append(parameter.name)
        #expect(elements == self.elements(of: parameter))
      },
      { parameter in
        drawn.withLock { $0.append(parameter.name) }
        return elements(of: parameter)
      })
    #expect(other == "meanwhile")
    #expect(stored == Self.weights.map(\.name))
    #expect(drawn.withLock { $0.sorted() } == stored.sorted())
  }

  /// While nobody takes a weight, drawing stops where there is no room for the next.
  @Test(arguments: [(200, 3), (Int.max, ParallelDrawingTests.weights.count)])
  func nothingIsDrawnFurtherAheadThanAllowed(ahead: Int, drawn: Int) throws {
    #expect(Self.weights.prefix(4).allSatisfy { $0.shape.elementCount == 64 })
    let count = Mutex(0)
    try Self.layout.drawWeights(
      ahead: ahead,
      meanwhile: {
        while count.withLock({ $0 }) < drawn { usleep(1000) }
        usleep(20_000)
        #expect(count.withLock { $0 } == drawn)
      },
      { _, _ in },
      { parameter in
        count.withLock { $0 += 1 }
        return elements(of: parameter)
      })
    #expect(count.withLock { $0 } == Self.weights.count)
  }

  private struct Full: Error {}

  /// What is on its way ends before the error is thrown.
  @Test func errorsEndTheDrawing() {
    let drawing = Mutex(0)
    var stored = 0
    #expect(throws: Full.self) {
      try Self.layout.drawWeights(
        ahead: 200, meanwhile: {},
        { _, _ in
          stored += 1
          if stored == 5 { throw Full() }
        },
        { parameter in
          drawing.withLock { $0 += 1 }
          defer { drawing.withLock { $0 -= 1 } }
          return elements(of: parameter)
        })
    }
    #expect(stored == 5)
    #expect(drawing.withLock { $0 } == 0)
    #expect(throws: Full.self) {
      try Self.layout.drawWeights(
        ahead: 200, meanwhile: { throw Full() },
        { _, _ in Issue.record("nothing is stored after an error") },
        { elements(of: $0) })
    }
  }
}
