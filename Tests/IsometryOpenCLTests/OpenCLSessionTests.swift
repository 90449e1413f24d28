import DeviceRuntime
import Foundation
import IsometryCore
import IsometryGraph
import OpenCLRuntime
import Synchronization
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

@Suite(.enabled(if: device != nil, "no OpenCL device on this machine"))
struct OpenCLSessionTests {
  private func backend(_ options: OpenCLOptions = OpenCLOptions()) throws -> OpenCLBackend {
    try OpenCLBackend(#require(device), number: 0, options: options)
  }

  private func product() -> (Graph, [String: HostTensor]) {
    var graph = Graph()
    var random = RandomStream(seed: 1)
    let a = graph.input("a", [33, 70])
    let b = graph.variable("b", [20, 70])
    graph.output("y", graph.matrixMultiply(a, b, transposeRight: true))
    return (
      graph,
      [
        "a": HostTensor([33, 70], random.normals(33 * 70)),
        "b": HostTensor([20, 70], random.normals(20 * 70)),
      ]
    )
  }

  /// Losses and variables after three steps.
  private func train(_ options: OpenCLOptions = OpenCLOptions(), slabs: Int = 1) throws
    -> [HostTensor]
  {
    let session = try #require(
      try backend(options).makeSession(for: SmallStep.built()) as? OpenCLSession)
    #expect(session.binding.arena.count == slabs)
    try SmallStep.writeParameters(to: session, seed: 5)
    var found: [HostTensor] = []
    for step in 0..<3 {
      try session.run(SmallStep.inputs(seed: UInt64(step)))
      found.append(try session.read(output: "loss"))
    }
    return try found + session.graph.variables.map { try session.read(variable: $0.name) }
  }

  @Test func theSameRunGivesTheSameBits() throws { #expect(try train() == train()) }

  /// Activations may take more than one buffer can hold.
  @Test func anArenaOfSeveralBuffersGivesTheSameBits() throws {
    let plan = try backend().plan(SmallStep.built(), stagingSlots: 1)
    var options = OpenCLOptions()
    options.bufferLimit = plan.arenaBytes * 2 / 3
    #expect(try train(options, slabs: 2) == train())
  }

  /// Recorded or not, with a library's products between the launches or without, and with several
  /// steps in the queue at once.
  @Test(arguments: [GemmProvider.own, .clblast])
  func recordedLaunchesComputeTheSame(gemm: GemmProvider) throws {
    func train(_ recordsLaunches: Bool) throws -> [HostTensor] {
      let backend = try backend(
        OpenCLOptions(gemmProvider: gemm, recordsLaunches: recordsLaunches))
      let session = try #require(
        try backend.makeSession(for: SmallStep.built()) as? OpenCLSession)
      let recordings = session.binding.submissions.count {
        if case .recorded = $0 { true } else { false }
      }
      let isPossible = try backend.device.open().recordsLaunches
      #expect((recordings > 0) == (recordsLaunches && isPossible))
      try SmallStep.writeParameters(to: session, seed: 5)
      let slots = try session.makeStagingSlots(3)
      for (number, slot) in slots.enumerated() {
        for (name, tensor) in SmallStep.inputs(seed: UInt64(number)) {
          tensor.withUnsafeBytes { slot.bytes(of: name).copyMemory(from: $0) }
        }
        try session.step(from: slot)
      }
      return try session.graph.variables.map { try session.read(variable: $0.name) }
    }
    #expect(try train(true) == train(false))
  }

  @Test func everyLaunchIsTimed() throws {
    let session = try #require(
      try backend().makeSession(for: SmallStep.built()) as? OpenCLSession)
    let slot = try session.makeStagingSlots(1)[0]
    let time = try session.profiledStep(from: slot)
    try session.synchronize()
    let commands = try time()
    #expect(commands.compactMap(\.launch) == Array(session.report.launches.indices))
    #expect(session.launchWork.count == session.report.launchesPerStep)
    #expect(session.launchWork.allSatisfy { $0.byteCount > 0 && !$0.variant.isEmpty })
    let transfers = commands.filter { $0.track == .transfer }
    #expect(transfers.count == 1 && transfers[0].byteCount > 0)
    for command in commands {
      let (queued, submitted) = (try #require(command.queued), try #require(command.submitted))
      #expect(queued <= submitted && submitted <= command.start && command.seconds > 0)
    }
    let compute = commands.filter { $0.track == .compute }
    for (one, next) in zip(compute, compute.dropFirst()) { #expect(one.end <= next.start) }
    #expect(session.takeInputWait() == 0, "no wait of a profiled step counts")
  }

  @Test func productsOfTheLibraryAreTimed() throws {
    let session = try #require(
      try backend(OpenCLOptions(gemmProvider: .clblast)).makeSession(for: product().0)
        as? OpenCLSession)
    let time = try session.profiledStep(from: session.makeStagingSlots(1)[0])
    try session.synchronize()
    let commands = try time().filter { $0.launch != nil }
    #expect(commands.count == 1 && commands[0].seconds > 0)
    #expect(session.launchWork.map(\.variant) == ["clblast"])
  }

  @Test func clblastAgreesWithTheOwnProduct() throws {
    let (graph, tensors) = product()
    var results: [[Double]] = []
    for provider in GemmProvider.allCases {
      let session = try backend(OpenCLOptions(gemmProvider: provider)).makeSession(for: graph)
      #expect(
        session.report.launches.contains { $0.hasPrefix("clblast") } == (provider == .clblast))
      try session.write(tensors["b"]!, toVariable: "b")
      try session.run(["a": tensors["a"]!])
      results.append(try session.read(output: "y").doubles)
    }
    for (own, library) in zip(results[0], results[1]) { #expect(abs(own - library) < 1e-4) }
  }

  @Test func programsComeFromTheCacheTheSecondTime() throws {
    let directory = NSTemporaryDirectory() + "isometry-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (graph, tensors) = product()
    var results: [HostTensor] = []
    var entries: [Int] = []
    for _ in 0..<2 {
      let session = try backend(OpenCLOptions(cacheDirectory: directory))
        .makeSession(for: graph)
      try session.write(tensors["b"]!, toVariable: "b")
      try session.run(["a": tensors["a"]!])
      results.append(try session.read(output: "y"))
      entries.append(
        (try? FileManager.default.contentsOfDirectory(atPath: directory))?.count ?? 0)
    }
    #expect(results[0] == results[1])
    let driverKeeps = try #require(device).platform.keepsKernels
    #expect(entries[0] == entries[1] && (entries[0] == 0) == driverKeeps)
  }

  @Test func programsAreCountedAsTheyAreBuilt() throws {
    let counts = Mutex<[[Int]]>([])
    var options = OpenCLOptions()
    options.noteBuilding = { built, all in counts.withLock { $0.append([built, all]) } }
    let backend = try backend(options)
    for _ in 0..<2 { _ = try backend.makeSession(for: SmallStep.built()) }
    let found = counts.withLock { $0 }
    let all = try #require(found.first?.last)
    // The second session needs no program more.
    #expect(all > 3 && found == (0...all).map { [$0, all] } + [[all, all]])
  }

  @Test func brokenKernelsAreReportedWithTheirLog() throws {
    let directory = NSTemporaryDirectory() + "isometry-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    for piece in try presentFiles() {
      let text = try #require(KernelSources.embeddedText(of: piece))
      let path = URL(filePath: directory).appending(path: piece)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try (text + (piece.hasPrefix("gemm") ? "\nwrong" : "")).write(
        to: path, atomically: true, encoding: .utf8)
    }
    let (graph, _) = product()
    var options = OpenCLOptions(kernelDirectory: directory)
    let counts = Mutex<[[Int]]>([])
    options.noteBuilding = { built, all in counts.withLock { $0.append([built, all]) } }
    let error = #expect(throws: KernelBuildError.self) {
      try backend(options).makeSession(for: graph)
    }
    // The end of building is reported, although one program has failed.
    #expect(counts.withLock { $0.last } == [2, 2])
    #expect(error?.kernel == "gemm-register-tile")
    #expect(error?.log.contains("gemm/register_tile.cl") == true)
  }

  @Test func stagingIsPartOfTheMemory() throws {
    let (graph, _) = product()
    let session = try backend().makeSession(for: graph)
    let before = session.report.otherBytes
    let slots = try session.makeStagingSlots(3)
    #expect(slots.count == 3)
    #expect(session.report.otherBytes >= before + 3 * 4 * 33 * 70)
    let error = #expect(throws: DeviceLimitError.self) { try session.makeStagingSlots(1 << 30) }
    #expect(error?.what == "1073741824 staging slots")
  }

  /// None of these tensors is allocated, here or on the device.
  @Test func whatIsTooLargeIsRefusedWithItsSizes() throws {
    let device = try #require(device)
    func refusal(
      _ rows: Int, _ columns: Int, tensors: Int, bufferLimit: Int = .max
    ) throws -> DeviceLimitError? {
      var options = OpenCLOptions()
      options.bufferLimit = bufferLimit
      var graph = Graph()
      _ = graph.input("x", [rows], .int32)
      var total = graph.append(
        .broadcast(TensorType([rows, columns], .float32)), [graph.variable("scalar", [1])])[0]
      let parts = (0..<tensors).map { graph.scale(total, by: Double($0 + 2)) }
      for part in parts { total = graph.add(total, part) }
      graph.output("sum", graph.sum(total))
      let backend = try backend(options)
      let error = #expect(throws: DeviceLimitError.self) { try backend.makeSession(for: graph) }
      let obstacle = try backend.plan(graph, stagingSlots: 1).obstacle
      #expect(obstacle?.limit == error?.limit && obstacle?.what == error?.what)
      return error
    }
    let error = try #require(try refusal(1 << 16, 1 << 16, tensors: 1))
    #expect(error.limit == .elementsOfTensor && error.needed == 1 << 32)
    // More tensors of 256 MiB at once than the device has room for.
    let tensors = device.globalMemoryByteCount >> 28 + 1
    let many = try #require(try refusal(1 << 10, 1 << 16, tensors: tensors))
    #expect(many.limit == .bytesOfDevice && many.allowed == device.globalMemoryByteCount)
    // One tensor lies in one buffer, whose limit may be no whole number of MiB.
    let limit = (1 << 28) - 1
    let large = try #require(try refusal(1 << 10, 1 << 16, tensors: 1, bufferLimit: limit))
    #expect(large.limit == .bytesOfBuffer && large.allowed == limit)
    #expect(large.needed > large.allowed && large.batch == 1 << 10)
    let text = large.description
    for part in ["batch 1024", "\(large.allowed >> 20) MiB", device.name, "smaller batch"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test func kernelsTakeNumbersOf32Bits() throws {
    let limits = DeviceLimits(try backend().shared, Graph())
    #expect(try limits.word(-1, of: "x") == 0xFFFF_FFFF)
    #expect(try limits.word(0xFFFF_FFFF, of: "x") == 0xFFFF_FFFF)
    for number in [1 << 32, Int(Int32.min) - 1] {
      let error = #expect(throws: DeviceLimitError.self) { try limits.word(number, of: "x") }
      #expect(error?.limit == .numberInKernel && error?.what == "x")
    }
    #expect(TableWord.units(elements: 1 << 35) == 1 << 31)
  }

  /// A queue that does not profile tells no times: the wait is unknown then, and not nothing.
  @Test func timesThatTheDeviceDoesNotTellAreNoTimes() throws {
    let queue = try CommandQueue(Context(try #require(device)))
    var clock = IdleClock()
    clock.record(first: nil, last: try queue.marker())
    clock.record(first: try queue.marker(), last: try queue.marker())
    try queue.finish()
    #expect(clock.take() == nil)
    #expect(clock.take() == 0)
  }

  @Test func idleTimeIsCountedBetweenSteps() throws {
    let (graph, tensors) = product()
    let session = try backend().makeSession(for: graph)
    try session.write(tensors["b"]!, toVariable: "b")
    // The first step may still wait for the device's compiler.
    try session.run(["a": tensors["a"]!])
    let slot = try session.makeStagingSlots(1)[0]
    try session.step(from: slot)
    Thread.sleep(forTimeInterval: 0.5)
    try session.step(from: slot)
    try session.synchronize()
    let wait = try #require(session.takeInputWait())
    #expect(wait > 0.2 && wait < 5)
    try session.synchronize()
    #expect(session.takeInputWait() == 0)
  }
}
