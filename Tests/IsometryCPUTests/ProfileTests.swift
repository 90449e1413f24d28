import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@Suite struct ProfileTests {
  @Test func everyLaunchIsTimed() throws {
    let run = try NoiseTraining("resnet20", batch: 2, precision: .float32)
    let session = try #require(run.session as? any ProfilingSession)
    let time = try session.profiledStep(from: run.slot)
    try session.synchronize()
    let commands = try time()
    #expect(commands.map(\.launch) == Array(session.report.launches.indices))
    #expect(commands.map(\.name) == session.report.launches)
    for (one, next) in zip(commands, commands.dropFirst()) { #expect(one.end == next.start) }
    let work = session.launchWork
    #expect(work.count == commands.count)
    #expect(work.allSatisfy { $0.byteCount > 0 })
    let convolutions = zip(session.report.launches, work).filter { $0.0 == "convolution" }
    #expect(convolutions.contains { $0.1.variant.hasPrefix("oneDNN ") })
    for (name, work) in convolutions {
      #expect(session.graph.nodes[work.node].operation.name == name)
    }
  }

  /// Without normalization each convolution has a bias, whose gradient are the channel sums of what the
  /// gradient of the ReLU behind it stores; only the classifier's has a launch of its own.
  @Test func biasGradientsComeWithSlopes() throws {
    let run = try NoiseTraining("resnet20", batch: 2, precision: .float32, normalization: .none)
    let launches = run.session.report.launches
    #expect(launches.filter { $0 == "activationGradient" }.count == 19)
    #expect(launches.filter { $0 == "channelSum" }.count == 1)
    #expect(launches.filter { $0 == "channelSumTotal" }.count == 20)
  }

  /// oneDNN's own convolutions give what the loops give.
  @Test func convolutionsMayBeTheLibrarysAlone() throws {
    var graph = Graph()
    let x = graph.variable("x", [2, 16, 8, 8])
    let weight = graph.variable("w", [16, 16, 3, 3])
    graph.output("y", graph.convolve(x, with: weight, padding: 1))
    var random = RandomStream(seed: 1)
    let tensors = graph.variables.map { name, value in
      let shape = graph.shape(of: value)
      return (name, HostTensor(shape, random.normals(shape.elementCount)))
    }
    var results: [[Double]] = []
    for usesOwn in [true, false] {
      let backend = CPUBackend(usesOwnConvolutions: usesOwn)
      let session = try #require(try backend.makeSession(for: graph) as? any ProfilingSession)
      for (name, tensor) in tensors { try session.write(tensor, toVariable: name) }
      try session.run()
      results.append(try session.read(output: "y").doubles)
      if !usesOwn {
        #expect(session.launchWork.allSatisfy { $0.variant.hasPrefix("oneDNN ") })
      }
    }
    for (own, library) in zip(results[0], results[1]) { #expect(abs(own - library) < 1e-4) }
  }

  /// Images of one channel or one pixel are channels-last as they are; the implementations that oneDNN
  /// has for those alone are not taken (`PrimitiveDescriptor.isLastResort`).
  @Test(arguments: [1, 3, 17])
  func degenerateImagesTakeUsualImplementations(channels: Int) throws {
    var graph = Graph()
    let x = graph.variable("x", [1, channels, 1, 1])
    let weight = graph.variable("w", [1, channels, 7, 7])
    let y = graph.convolve(x, with: weight, stride: 3, padding: 3)
    graph.output("y", y)
    for gradient in graph.gradients(of: graph.sum(y), withRespectTo: [x, weight]) {
      graph.output("gradient \(gradient!.index)", gradient!)
    }
    let session = try #require(
      try CPUBackend().makeSession(for: graph) as? any ProfilingSession)
    let variants = zip(session.report.launches, session.launchWork)
      .filter { $0.0.hasPrefix("convolution") }.map(\.1.variant)
    #expect(!variants.isEmpty)
    #expect(variants.allSatisfy { !$0.contains("brgconv") && !$0.contains("ref") }, "\(variants)")
  }

  @Test(arguments: [DType.float32, .bfloat16])
  func ceilingsAreMeasured(precision: DType) throws {
    let backend = CPUBackend()
    guard (try? backend.requireSupport(for: precision)) != nil else { return }
    let ceilings = try backend.measureCeilings(precision)
    // A slow processor copies a gigabyte and computes a billion operations a second.
    #expect(ceilings.bytesPerSecond > 1e8 && ceilings.bytesPerSecond < 1e13)
    #expect(ceilings.operationsPerSecond > 1e9 && ceilings.operationsPerSecond < 1e15)
    #expect(ceilings.leastSeconds(operations: 0, bytes: 1) == 1 / ceilings.bytesPerSecond)
    #expect(ceilings.leastSeconds(operations: 1, bytes: 0) == 1 / ceilings.operationsPerSecond)
  }
}
