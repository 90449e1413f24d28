import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

@Suite struct ValidationTests {
  /// Whole training steps of every kind of operation, in every precision.
  @Test(
    arguments: BackendUnderTest.all + BackendUnderTest.withMatrixUnits + BackendUnderTest.withTF32,
    TraceTests.Recipe.all)
  func soundBackendsPass(subject: BackendUnderTest, recipe: TraceTests.Recipe) throws {
    let validating = subject.validated
    for precision in subject.supported(
      subject.isFusing ? [.float32, .bfloat16, .float16] : [.float32])
    {
      let trace = try recipe.run(precision, steps: 2).trace(on: validating)
      #expect(trace.losses.count == 2 && trace.losses.allSatisfy(\.isFinite))
    }
  }

  /// The optimizers with the numbers that `isometry train` gives them, from slots of zero.
  @Test(arguments: BackendUnderTest.all)
  func everyOptimizerPassesFromItsStart(subject: BackendUnderTest) throws {
    let validating = subject.validated
    for rule: Update.Rule in [
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false),
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true),
      .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0),
    ] {
      let recipe = TraceTests.Recipe(
        testDescription: "\(rule)", network: TraceTests.Recipe.all[0].network,
        optimizer: StandardOptimizer(rule, weightDecay: 5e-4), rate: 0.005)
      #expect(try recipe.run(.float32, steps: 3).trace(on: validating).losses.count == 3)
    }
  }

  /// A backend that computes one operation wrongly: its results come out larger.
  private struct FaultyBackend: Backend {
    let base = ReferenceBackend<Float>()
    /// Of the results, the one with that many elements.
    let elementCount: Int
    let factor: Double
    var roundsToTF32 = false

    var name: String { "faulty" }
    var deviceDescription: String { "wrong on purpose" }
    func requireSupport(for precision: DType) throws {}

    func traits(for graph: Graph) -> BackendTraits { base.traits(for: graph) }

    func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
      let shared = (session as? FaultySession)?.base
      return FaultySession(base: try base.bind(graph, sharing: shared), self)
    }

    func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
      try base.planBinding(of: graph, stagingSlots: stagingSlots)
    }
  }

  private final class FaultySession: Session {
    let base: any Session
    private let backend: FaultyBackend

    init(base: any Session, _ backend: FaultyBackend) {
      self.base = base
      self.backend = backend
    }

    private func spoiled(_ tensor: HostTensor) -> HostTensor {
      guard tensor.shape.elementCount == backend.elementCount else { return tensor }
      var elements = tensor.doubles
      elements[4] *= backend.factor
      return HostTensor(tensor.shape, elements, as: tensor.dtype)
    }

    var graph: Graph { base.graph }
    var report: SessionReport { base.report }
    func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
      try base.makeStagingSlots(count)
    }
    func step(from slot: any StagingSlot) throws { try base.step(from: slot) }
    func write(_ tensor: HostTensor, toVariable name: String) throws {
      try base.write(tensor, toVariable: name)
    }
    func read(variable name: String) throws -> HostTensor { try spoiled(base.read(variable: name)) }
    func read(output name: String) throws -> HostTensor { try spoiled(base.read(output: name)) }
    func beginReading(variable name: String) throws -> any PendingRead {
      try base.beginReading(variable: name)
    }
    func synchronize() throws { try base.synchronize() }
    func takeInputWait() -> Double? { nil }
  }

  /// y [2, 5] = x·w, z [2, 3] = tanh(y·v), and u [4, 5] is updated.
  private func error(
    elementCount: Int, factor: Double, roundsToTF32: Bool = false
  ) throws -> ValidationError? {
    var random = RandomStream(seed: 1)
    var graph = Graph()
    let x = graph.input("x", [2, 7])
    let v = graph.variable("v", [5, 3])
    let y = graph.matrixMultiply(x, graph.variable("w", [7, 5]))
    let z = graph.activation(graph.matrixMultiply(y, v), .tanh)
    graph.output("z", z)
    graph.append(.accumulate(count: 1), [graph.variable("u", [4, 5]), graph.input("du", [4, 5])])
    let backend = ValidatingBackend(
      FaultyBackend(elementCount: elementCount, factor: factor, roundsToTF32: roundsToTF32))
    let session = try backend.makeSession(for: graph)
    func tensor(_ shape: Shape) -> HostTensor {
      HostTensor(shape, random.normals(shape.elementCount))
    }
    try session.write(tensor([7, 5]), toVariable: "w")
    try session.write(tensor([5, 3]), toVariable: "v")
    try session.write(tensor([4, 5]), toVariable: "u")
    do {
      try session.run(["x": tensor([2, 7]), "du": tensor([4, 5])])
    } catch let error as ValidationError {
      return error
    }
    return nil
  }

  @Test func theOperationAndTheElementAreNamed() throws {
    let error = try #require(try error(elementCount: 10, factor: 1 + 1e-4))
    #expect(error.device == "faulty" && error.operation.hasPrefix("matrixMultiply"))
    #expect(error.position == 0 && error.subject == "result 0" && error.element == [0, 4])
    #expect(error.type == TensorType([2, 5], .float32))
    #expect(error.ratio > 2 && abs(error.found / error.expected - (1 + 1e-4)) < 1e-5)
    #expect(error.description.contains("faulty computes matrixMultiply"))
  }

  @Test func notANumberIsFound() throws {
    let error = try #require(try error(elementCount: 6, factor: .nan))
    #expect(error.found.isNaN && error.ratio.isNaN && error.element == [1, 1])
  }

  @Test func updatesAreChecked() throws {
    let error = try #require(try error(elementCount: 20, factor: 2))
    #expect(error.operation.hasPrefix("accumulate") && error.subject == "variable u")
    #expect(error.element == [0, 4])
  }

  @Test func whatRoundingExplainsPasses() throws {
    #expect(try error(elementCount: 10, factor: 1 + 1e-7) == nil)
    #expect(try error(elementCount: 1, factor: 2) == nil)
  }

  /// Operands in tf32 have a mantissa of 10 bits; what is no product has all of fp32's.
  @Test func productsInTF32MayBeOffByItsRounding() throws {
    func error(_ elementCount: Int, _ factor: Double) throws -> ValidationError? {
      try self.error(elementCount: elementCount, factor: factor, roundsToTF32: true)
    }
    #expect(try error(10, 1 + 0x1p-10) == nil)
    #expect(try error(10, 1.1)?.operation.hasPrefix("matrixMultiply") == true)
    #expect(try error(20, 1 + 0x1p-10)?.operation.hasPrefix("accumulate") == true)
  }

  /// Rounding moves a small difference of large numbers by more than what the other rows hold.
  @Test(arguments: [1.0, 1000]) func rowsAreJudgedByTheirOwnSize(size: Double) throws {
    var graph = Graph()
    let (x, w) = (graph.input("x", [400, 8]), graph.input("w", [8, 1]))
    graph.output("y", graph.matrixMultiply(x, w))
    let session = try ValidatingBackend(
      FaultyBackend(elementCount: 400, factor: 30, roundsToTF32: true)
    ).makeSession(for: graph)
    var rows = (0..<3200).map { $0 % 8 == 0 ? 1.1 : $0 % 2 == 0 ? 1 : -1 }
    for column in 0..<8 { rows[4 * 8 + column] = (column % 2 == 0 ? size : -size) + 0.0125 }
    let inputs = [
      "x": HostTensor([400, 8], rows),
      "w": HostTensor([8, 1], [Double](repeating: 1, count: 8)),
    ]
    if size > 1 {
      try session.run(inputs)
    } else {
      #expect(throws: ValidationError.self) { try session.run(inputs) }
    }
  }

  /// 1 + 2⁻⁸ + 2⁻³⁰ is 1 + 2⁻⁷ in bf16. In fp32 it is 1 + 2⁻⁸, which rounds to 1.
  @Test func imagesOfAPrologueMayBeOffByAUnit() throws {
    var graph = Graph()
    let (dy, x) = (
      graph.input("dy", [2, 3, 4, 4], .bfloat16), graph.input("x", [2, 1, 4, 4], .bfloat16)
    )
    let vectors = ["mean", "factor", "shift"].map { graph.variable($0, [1]) }
    let dw = graph.append(
      .convolutionWeightGradient(
        Convolution(), weightShape: [3, 1, 1, 1], withBias: false, Prologue()),
      [dy, x] + vectors)[0]
    graph.output("dw", dw)
    let session = try ValidatingBackend(ReferenceBackend<Float>()).bind(graph, sharing: nil)
    for (name, number) in ["factor": 1 + 0x1p-8, "shift": 0x1p-30] {
      try session.write(HostTensor([1], [number], as: .float32), toVariable: name)
    }
    var random = RandomStream(seed: 1)
    var images = random.normals(32)
    images[5] = 1
    try session.run([
      "x": HostTensor([2, 1, 4, 4], images, as: .bfloat16),
      "dy": HostTensor([2, 3, 4, 4], random.normals(96), as: .bfloat16),
    ])
  }

  @Test(arguments: BackendUnderTest.backends.map { BackendUnderTest(backend: $0, isFusing: false) })
  func validatedSessionsShareTheirVariables(subject: BackendUnderTest) throws {
    let backend = ValidatingBackend(subject.backend)
    var graph = Graph()
    graph.output("double", graph.scale(graph.variable("v", [3]), by: 2))
    let first = try backend.makeSession(for: graph)
    let second = try backend.makeSession(for: graph, sharing: first)
    try first.write(HostTensor([3], [1, 2, 3] as [Float]), toVariable: "v")
    try second.run()
    #expect(try second.read(output: "double").floats == [2, 4, 6])
    #expect(backend.name == subject.backend.name)
    #expect(backend.deviceDescription.contains("checked against the reference"))
  }
}
