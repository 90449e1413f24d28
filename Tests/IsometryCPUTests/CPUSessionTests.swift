import Glibc
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@Suite(.serialized) struct CPUSessionTests {
  /// Weights lie in oneDNN's layouts inside; outside they are as they were written.
  @Test func variablesComeBackAsWritten() throws {
    var graph = Graph()
    let x = graph.input("x", [2, 32, 8, 8])
    let weight = graph.variable("weight", [48, 32, 3, 3])
    let image = graph.variable("image", [2, 48, 8, 8])
    let y = graph.add(graph.convolve(x, with: weight, padding: 1), image)
    graph.output("y", y)
    let session = try CPUBackend().makeSession(for: graph)
    var random = RandomStream(seed: 1)
    for (name, value) in graph.variables {
      let shape = graph.shape(of: value)
      let tensor = HostTensor(shape, random.normals(shape.elementCount))
      try session.write(tensor, toVariable: name)
      #expect(try session.read(variable: name) == tensor)
    }
  }

  /// An evaluation reads the parameters that training has, in the layout that training chose.
  @Test func sessionsShareVariables() throws {
    let run = try NoiseTraining("resnet20", batch: 4, precision: .float32)
    let network = try ModelSpecification("resnet20").network(NetworkOptions(normalization: .batch))
    let evaluation = EvaluationGraph(network, batch: 4)
    let shared = try CPUBackend().makeSession(for: evaluation.graph, sharing: run.session)
    try run.session.step(from: run.slot)
    for (name, _) in run.session.graph.variables where evaluation.graph.source(named: name) != nil {
      #expect(try shared.read(variable: name) == run.session.read(variable: name))
    }
  }

  @Test func sixteenBitHalvesAreRefusedWithAdvice() {
    let backend = CPUBackend()
    #expect { try backend.requireSupport(for: .float16) } throws: { error in
      String(describing: error).contains("use bf16 or fp32")
    }
    #expect { try backend.requireSupport(for: .float64) } throws: { $0 is UnsupportedPrecision }
  }

  /// A step allocates nothing that it does not give back.
  @Test func memoryStaysFlat() throws {
    let run = try NoiseTraining("resnet20", batch: 16, precision: .float32)
    for _ in 0..<10 { try run.session.step(from: run.slot) }
    // Tests beside this one allocate too; what a step leaks shows in every one of the spans.
    var growths: [Int] = []
    for _ in 0..<200 where growths.allSatisfy({ $0 >= 1 << 14 }) {
      let before = Self.residentBytes()
      for _ in 0..<5 { try run.session.step(from: run.slot) }
      growths.append(Self.residentBytes() - before)
    }
    #expect(growths.contains { $0 < 1 << 14 }, "\(growths) bytes in spans of 5 steps")
  }

  private static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var (size, resident) = (0, 0)
    withUnsafeMutablePointer(to: &size) { size in
      withUnsafeMutablePointer(to: &resident) { resident in
        _ = withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
      }
    }
    return resident * Int(getpagesize())
  }

  /// Linux would promise the memory and end the process that uses it.
  @Test func whatDoesNotFitIsRefusedBeforeItIsAllocated() throws {
    func refusal(_ build: (inout Graph) -> Void) -> DeviceLimitError? {
      var graph = Graph()
      build(&graph)
      return #expect(throws: DeviceLimitError.self) { try CPUBackend().makeSession(for: graph) }
    }
    let variables = refusal { graph in
      let x = graph.variable("x", [1 << 20, 1 << 21])
      graph.output("y", graph.scale(x, by: 2))
    }
    #expect(variables?.what.contains("parameters") == true && variables?.needed == 1 << 43)
    let activations = refusal { graph in
      let x = graph.input("x", [7, 1])
      graph.output("y", graph.append(.fill(1, TensorType([1 << 20, 1 << 21], .float32)))[0])
      graph.output("z", x)
    }
    #expect(activations?.batch == 7 && activations?.limit == .freeBytesOfDevice)
    #expect(activations?.description.contains("smaller batch") == true)
    var graph = Graph()
    graph.output("y", graph.scale(graph.input("x", [1 << 10, 1 << 10]), by: 2))
    let session = try CPUBackend().makeSession(for: graph)
    let slots = #expect(throws: DeviceLimitError.self) { try session.makeStagingSlots(1 << 20) }
    #expect(slots?.what == "1048576 staging slots" && slots?.needed == 1 << 42)
  }
}
