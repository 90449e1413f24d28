import Foundation
import IsometryCPU
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometryTraining
import TestSupport
import Testing

@testable import IsometryBenchmarks

@Suite struct ThroughputBenchmarkTests {
  private static func benchmark() -> ThroughputBenchmark {
    var benchmark = ThroughputBenchmark()
    benchmark.warmupSteps = 1
    benchmark.steps = 2
    benchmark.repeats = 3
    return benchmark
  }

  @Test func throughputIsMeasured() throws {
    var told: [Int] = []
    let result = try Self.benchmark().run(
      SmallRun.configuration(), backend: ReferenceBackend<Float>()
    ) { number, _ in told.append(number) }
    #expect(told == [1, 2, 3])
    #expect(result.slowest <= result.imagesPerSecond && result.imagesPerSecond <= result.fastest)
    #expect(abs(result.imagesPerSecond * result.millisecondsPerStep / 8000 - 1) < 1e-9)
    #expect(result.report.launchesPerStep > 0 && result.report.peakBytes > 0)
    #expect(result.timeline == nil)
  }

  @Test func aPlanIsWhatTheSessionCosts() throws {
    // bf16 needs AVX-512 on this device.
    let precisions = [Precision.fp32, .bf16].filter {
      (try? CPUBackend().requireSupport(for: $0)) != nil
    }
    for precision in precisions {
      let configuration = SmallRun.configuration {
        $0.model = "resnet8"
        $0.precision = precision
        $0.recompute = .activations
      }
      let plan = try Self.benchmark().plan(configuration, backend: CPUBackend())
      #expect(try Self.benchmark().run(configuration, backend: CPUBackend()).report == plan)
    }
  }

  /// mlp:1x8 on 8 images: 3072·8 and 8·10 weights, each used three times but the first, which has no
  /// input gradient, at two operations; the rest is little.
  @Test func arithmeticIsCounted() throws {
    let result = try Self.benchmark().run(
      SmallRun.configuration(), backend: ReferenceBackend<Float>())
    let products = 8 * (2 * 2 * 3072 * 8 + 3 * 2 * 8 * 10)
    #expect(result.operationsPerStep >= products)
    #expect(result.operationsPerStep < products * 3 / 2)
    let rate = Double(result.operationsPerStep) / result.millisecondsPerStep * 1e3
    #expect(result.operationsPerSecond == rate)
  }

  @Test func profilesComeInChromesFormat() throws {
    var benchmark = Self.benchmark()
    benchmark.profiledSteps = 2
    let result = try benchmark.run(SmallRun.configuration(), backend: CPUBackend())
    let timeline = try #require(result.timeline)
    #expect(timeline.entries.count == 2 * result.report.launchesPerStep)
    #expect(
      timeline.entries.map(\.operations).reduce(0, +) == 2 * result.operationsPerStep,
      "each operation is counted once")

    let text = timeline.trace(device: "cpu", title: "a \"quoted\" title")
    let trace = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(trace.keys.sorted() == ["displayTimeUnit", "traceEvents"])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    let names = events.filter { $0["ph"] as? String == "M" }
    #expect(names.map { $0["name"] as? String } == ["process_name", "thread_name"])
    #expect(
      (names[0]["args"] as? [String: String]) == ["name": "cpu: a \"quoted\" title"])
    let launches = events.filter { $0["ph"] as? String == "X" }
    #expect(launches.count == timeline.entries.count)
    #expect(launches.count + names.count == events.count)
    var last = 0.0
    for launch in launches {
      #expect(
        launch.keys.sorted() == ["args", "cat", "dur", "name", "ph", "pid", "tid", "ts"])
      let (start, duration) = (
        try #require(launch["ts"] as? Double), try #require(launch["dur"] as? Double)
      )
      #expect(start >= last - 0.002 && duration >= 0, "one thread's launches do not overlap")
      last = start + duration
      let arguments = try #require(launch["args"] as? [String: Any])
      #expect(
        arguments.keys.sorted() == ["bytes", "flops", "operation", "step", "variant"])
    }
    #expect(launches.first?["ts"] as? Double == 0)
  }

  @Test func whatTellsNoTimesIsRefusedBeforeTheTimings() throws {
    var benchmark = Self.benchmark()
    benchmark.profiledSteps = 1
    var told = 0
    #expect(throws: UnprofiledSession.self) {
      try benchmark.run(SmallRun.configuration(), backend: ReferenceBackend<Float>()) { _, _ in
        told += 1
      }
    }
    #expect(told == 0)
  }
}

@Suite struct TimelineTests {
  /// Two launches of one addition, the second the longer, beside a copy of inputs.
  private static func timeline() -> Timeline {
    var graph = Graph()
    let x = graph.input("x", [4])
    graph.output("y", graph.appendOne(.add, x, x))
    func command(
      _ name: String, _ track: TimedCommand.Track, _ launch: Int?, _ start: Double, _ end: Double
    ) -> TimedCommand {
      TimedCommand(
        name: name, track: track, launch: launch, byteCount: 48, queued: start - 2,
        submitted: start - 1, start: start, end: end)
    }
    return Timeline(
      steps: [
        [
          command("inputs to device", .transfer, nil, 12, 13),
          command("add part", .compute, 0, 13, 14),
          command("add [4]", .compute, 1, 14, 17),
        ]
      ], graph: graph,
      work: [0, 1].map { LaunchWork(node: 1, variant: "kernel \($0)", byteCount: 48) })
  }

  @Test func anOperationCountsAtItsLongestLaunch() {
    #expect(Self.timeline().entries.map(\.operations) == [0, 0, 4])
    #expect(Self.timeline().entries.map(\.variant) == [nil, "kernel 0", "kernel 1"])
  }

  @Test func launchesAreAddedUpByKind() throws {
    let kinds = Self.timeline().kinds
    #expect(kinds.count == 1 && kinds[0].name == "add")
    #expect(kinds[0].launchesPerStep == 2 && kinds[0].secondsPerStep == 4 && kinds[0].share == 1)
    #expect(kinds[0].operationsPerSecond == 1 && kinds[0].bytesPerSecond == 24)
  }

  @Test func tracksAreThreadsAndTimesBeginAtZero() throws {
    let text = Self.timeline().trace(device: "opencl:0", title: "x")
    let trace = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    let threads = events.filter { $0["name"] as? String == "thread_name" }
    #expect(
      threads.compactMap { ($0["args"] as? [String: String])?["name"] } == ["transfer", "compute"])
    let transfer = try #require(events.first { $0["cat"] as? String == "inputs" })
    #expect(transfer["ts"] as? Double == 2e6 && transfer["dur"] as? Double == 1e6)
    let arguments = try #require(transfer["args"] as? [String: Any])
    #expect(arguments["queued"] as? Double == 0 && arguments["submitted"] as? Double == 1e6)
    #expect(arguments["operation"] == nil)
  }
}

@Suite struct KernelBenchmarkTests {
  @Test func everyOperationOfAStepIsMeasuredOnce() throws {
    let configuration = SmallRun.configuration { $0.model = "resnet20" }
    let backend = CPUBackend()
    let operations = try KernelBenchmark().operations(of: configuration, on: backend)
    #expect(Set(operations.map(\.operation.key)).count == operations.count)
    // Those of the session that trains.
    let graph = try backend.makeSession(
      for: configuration.makeTrainingGraph(normalizing: SmallRun.train.normalization).graph,
      recomputation: configuration.recompute
    ).graph
    let uses = operations.map(\.uses).reduce(0, +)
    #expect(uses == Schedule(graph).nodes.count)
    let families = operations.map { KernelFamily.allCases.firstIndex(of: $0.operation.family)! }
    #expect(families == families.sorted(), "family by family")
    for (operation, _) in operations {
      try GraphVerifier.verify(operation.graph)
      #expect(!operation.shape.isEmpty)
    }
  }

  @Test func measurementsAreRatesOfTheCountedWork() throws {
    var benchmark = KernelBenchmark()
    benchmark.families = [.convolution, .normalization, .loss, .augmentation, .optimizer]
    benchmark.seconds = 0
    let ceilings = DeviceCeilings(bytesPerSecond: 1e9, operationsPerSecond: 1e9)
    var asked: [DType] = []
    var found: [KernelBenchmark.Measurement] = []
    try benchmark.run(
      SmallRun.configuration { $0.model = "resnet20" },
      providers: [
        .init(CPUBackend(), for: Set(KernelFamily.allCases)),
        .init(CPUBackend(usesOwnConvolutions: false), for: [.convolution]),
      ],
      ceilings: { type in
        asked.append(type)
        return ceilings
      }, onMeasurement: { found.append($0) })
    #expect(Set(asked).isSuperset(of: [.float32]))
    for kernel in [
      "convolution", "convolutionInputGradient", "convolutionWeightGradient", "batchNormalization",
      "softmaxCrossEntropy", "decodeImages", "update",
    ] {
      #expect(found.contains { $0.kernel == kernel }, "\(kernel)")
    }
    for measurement in found {
      #expect(measurement.seconds > 0 && measurement.bytesPerSecond > 0, "\(measurement)")
      let share = max(measurement.operationsPerSecond, measurement.bytesPerSecond) * 1e-9
      #expect(abs(measurement.ceilingShare / share - 1) < 1e-9)
    }
    let same = found.filter { $0.shape.hasPrefix("8x16x32x32 16x16x3x3 fp32") }.map(\.variant)
    #expect(Set(same).count > 1 || !same.contains("Winograd loop"), "oneDNN beside the loop")
    #expect(!found.contains { $0.kernel == "matrixMultiply" })
  }

  @Test func aDeviceWithoutTimesIsRefused() throws {
    #expect(throws: UnprofiledSession.self) {
      try KernelBenchmark().run(
        SmallRun.configuration(),
        providers: [.init(ReferenceBackend<Float>(), for: Set(KernelFamily.allCases))],
        ceilings: { _ in DeviceCeilings(bytesPerSecond: 1, operationsPerSecond: 1) },
        onMeasurement: { _ in })
    }
  }
}

@Suite struct StreamBenchmarkTests {
  @Test func streamsAreMeasuredBesideTraining() throws {
    var benchmark = StreamBenchmark()
    benchmark.threads = 2
    benchmark.seconds = 0.01
    benchmark.repeats = 3
    var training = ThroughputBenchmark()
    training.warmupSteps = 0
    training.steps = 1
    training.repeats = 1
    let result = try benchmark.run(
      SmallRun.configuration(), dataset: SmallRun.train, backend: ReferenceBackend<Float>(),
      training: training)
    #expect(result.imagesPerSecond > 0 && result.neededImagesPerSecond > 0)
    #expect(result.bytesPerSecond == result.imagesPerSecond * 3076)
    let headroom = result.imagesPerSecond / 2 / result.neededImagesPerSecond
    #expect(abs(result.headroom / headroom - 1) < 1e-12)
    let error = #expect(throws: TrainingError.self) {
      try benchmark.run(
        SmallRun.configuration { $0.batch = 41 }, dataset: SmallRun.train,
        backend: ReferenceBackend<Float>(), training: training)
    }
    #expect(error == .tooFewImages(count: 40, batch: 41))
  }
}
