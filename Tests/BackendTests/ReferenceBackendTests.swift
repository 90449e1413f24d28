import IsometryCore
import IsometryGraph
import IsometryReference
import Testing

/// What the reference promises beside what every backend does.
@Suite struct ReferenceBackendTests {
  private func makeSum(_ dtype: DType) -> Graph {
    var graph = Graph()
    let (a, b) = (graph.variable("a", [2], dtype), graph.variable("b", [2], dtype))
    graph.output("sum", graph.add(a, b))
    return graph
  }

  /// 1 + 2⁻⁴⁰ needs more digits than fp32 has.
  @Test func doubleKeepsItsDigitsWhereTheGraphSaysSinglePrecision() throws {
    let session = try ReferenceBackend<Double>().makeSession(for: makeSum(.float32))
    let a = HostTensor([2], [1 + 0x1p-40, 3], as: .float64)
    try session.write(a, toVariable: "a")
    try session.write(HostTensor([2], [1, 0.5] as [Float]), toVariable: "b")
    try session.run()
    #expect(try session.read(variable: "a") == a)
    #expect(try session.read(output: "sum") == HostTensor([2], [2 + 0x1p-40, 3.5], as: .float64))
  }

  @Test func singlePrecisionIsWhatItSays() throws {
    let session = try ReferenceBackend<Float>().makeSession(for: makeSum(.float32))
    try session.write(HostTensor([2], [0x1p24, 1] as [Float]), toVariable: "a")
    try session.write(HostTensor([2], [1, 0x1p-24] as [Float]), toVariable: "b")
    try session.run()
    #expect(try session.read(output: "sum") == HostTensor([2], [0x1p24, 1] as [Float]))
    #expect(throws: UnsupportedPrecision.self) {
      try ReferenceBackend<Float>().makeSession(for: makeSum(.float64))
    }
    #expect(throws: UnsupportedPrecision.self) {
      try ReferenceBackend<Float>().requireSupport(for: .float64)
    }
    try ReferenceBackend<Double>().requireSupport(for: .float64)
  }

  /// 256 + 1 has nine digits: too many for bf16; the sum is rounded to even.
  @Test(arguments: [ReferenceBackend<Float>() as any Backend, ReferenceBackend<Double>()])
  func sixteenBitResultsAreRoundedAfterEachOperation(backend: any Backend) throws {
    let session = try backend.makeSession(for: makeSum(.bfloat16))
    try session.write(HostTensor([2], [256.0, 258], as: .bfloat16), toVariable: "a")
    try session.write(HostTensor([2], [1.0, 1], as: .bfloat16), toVariable: "b")
    try session.run()
    #expect(try session.read(output: "sum") == HostTensor([2], [256.0, 260], as: .bfloat16))
  }

  @Test func oneLaunchForEachNode() throws {
    let session = try ReferenceBackend<Float>().makeSession(for: makeSum(.float32))
    let report = session.report
    #expect(report.launches == ["add"])
    #expect((report.arenaBytes, report.variableBytes, report.otherBytes) == (8, 16, 0))
    #expect(report.memory[.parameters] == 16 && report.memory[.parameterCopies] == 8)
    #expect(session.takeInputWait() == nil)
  }
}
