import IsometryCore
import IsometryGraph
import OpenCLRuntime
import TestSupport
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

/// Statistics that convolutions store beside their results, against those results as they are read.
@Suite(.serialized, .enabled(if: device != nil, "no OpenCL device on this machine"))
struct StatisticsTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let dtype: DType
    let units: MatrixUnitUse
    var allowsTF32 = false
    var testDescription: String { "\(dtype) \(units)\(allowsTF32 ? " tf32" : "")" }

    static let all = [
      Kind(dtype: .float32, units: .off), Kind(dtype: .bfloat16, units: .off),
      Kind(dtype: .bfloat16, units: .emulated), Kind(dtype: .float16, units: .emulated),
      Kind(dtype: .float32, units: .emulated, allowsTF32: true),
    ]
  }

  struct Geometry {
    let x: Shape
    let weight: Shape
    let stride: Int
    let padding: Int

    init(_ x: Shape, _ weight: Shape, _ stride: Int, _ padding: Int) {
      (self.x, self.weight, self.stride, self.padding) = (x, weight, stride, padding)
    }
  }

  /// Channels of whole vectors and of none, rows that end within a tile, blocks of which the last is
  /// nearly empty, one pixel, and parts that are and are not few enough for the launch that normalizes.
  static let geometries = [
    Geometry([3, 8, 9, 7], [24, 8, 3, 3], 1, 1),
    Geometry([2, 16, 11, 13], [40, 16, 3, 3], 2, 1),
    Geometry([2, 3, 8, 5], [5, 3, 3, 3], 1, 1),
    Geometry([4, 64, 4, 4], [136, 64, 1, 1], 1, 0),
    Geometry([43, 8, 3, 1], [16, 8, 1, 1], 1, 0),
    Geometry([1, 8, 1, 1], [8, 8, 3, 3], 1, 1),
    Geometry([9, 8, 40, 36], [16, 8, 3, 3], 1, 1),
    Geometry([12, 32, 40, 40], [64, 32, 1, 1], 2, 0),
    Geometry([7, 24, 27, 20], [72, 24, 1, 1], 1, 0),
  ]

  private func backend(_ kind: Kind) throws -> OpenCLBackend {
    var options = OpenCLOptions.forTests(matrixUnits: kind.units)
    options.allowsTF32 = kind.allowsTF32
    return try OpenCLBackend(
      #require(device), number: 0, options: options)
  }

  /// Each geometry plain, with a bias far from 0, and with a residual.
  private func graph(_ dtype: DType) -> Graph {
    var graph = Graph()
    for (index, geometry) in Self.geometries.enumerated() {
      let x = graph.input("x\(index)", geometry.x, dtype)
      let weight = graph.cast(graph.variable("weight\(index)", geometry.weight), to: dtype)
      var y = graph.convolve(
        x, with: weight, stride: geometry.stride, padding: geometry.padding)
      let shape = graph.shape(of: y)
      switch index % 3 {
      case 1: y = graph.biasAdd(y, graph.variable("bias\(index)", [shape[1]]))
      case 2: y = graph.add(y, graph.input("residual\(index)", shape, dtype))
      default: break
      }
      let result = graph.batchNormalization(
        y, scale: graph.variable("scale\(index)", [shape[1]]),
        shift: graph.variable("shift\(index)", [shape[1]]))
      for (name, value) in [
        ("y", y), ("mean", result.mean), ("variance", result.variance), ("normalized", result.y),
      ] {
        graph.output("\(name)\(index)", value)
      }
    }
    return graph
  }

  private func results(
    _ backend: OpenCLBackend, _ graph: Graph, tiles: TileTable? = nil
  ) throws -> [String: HostTensor] {
    let session =
      if let tiles {
        try backend.bind(backend.optimized(graph), sharing: nil, tiles: tiles)
      } else {
        try backend.makeSession(for: graph)
      }
    var random = RandomStream(seed: 11)
    for (name, value) in graph.variables {
      let shape = graph.shape(of: value)
      let offset = name.hasPrefix("bias") ? 1000.0 : name.hasPrefix("scale") ? 1 : 0
      let numbers = random.normals(shape.elementCount).map { offset + 0.2 * $0 }
      try session.write(HostTensor(shape, numbers, as: .float32), toVariable: name)
    }
    var inputs: [String: HostTensor] = [:]
    for (name, value) in graph.inputs {
      let type = graph.type(of: value)
      inputs[name] = HostTensor(
        type.shape, random.normals(type.shape.elementCount).map { 0.5 + $0 }, as: type.dtype)
    }
    try session.run(inputs)
    return Dictionary(
      uniqueKeysWithValues: try graph.outputs.map {
        ($0.name, try session.read(output: $0.name))
      })
  }

  /// Mean and variance of each channel of an image, in double precision.
  private func statistics(_ image: HostTensor) -> (mean: [Double], variance: [Double]) {
    let channels = image.shape[1]
    let pixels = image.shape.elementCount(from: 2)
    let numbers = image.doubles
    var statistics: (mean: [Double], variance: [Double]) = ([], [])
    for channel in 0..<channels {
      var own: [Double] = []
      for number in 0..<image.shape[0] {
        let first = (number * channels + channel) * pixels
        own += numbers[first..<first + pixels]
      }
      let count = Double(own.count)
      let mean: Double = own.reduce(0, +) / count
      let squares: Double = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      statistics.mean.append(mean)
      statistics.variance.append(squares / count)
    }
    return statistics
  }

  private func expectStatistics(
    of results: [String: HostTensor], _ comment: @autoclosure () -> String
  ) throws {
    for (index, geometry) in Self.geometries.enumerated() {
      let image = try #require(results["y\(index)"])
      let expected = statistics(image)
      let mean = try #require(results["mean\(index)"]).doubles
      let variance = try #require(results["variance\(index)"]).doubles
      for channel in mean.indices {
        let deviation = expected.variance[channel].squareRoot()
        let meanError = abs(mean[channel] - expected.mean[channel])
        // A mean is rounded, those of parts too, and moments a few times.
        #expect(
          meanError <= 4e-7 * (deviation + abs(expected.mean[channel])),
          "\(geometry.x) \(geometry.weight) channel \(channel), \(comment())")
        let error = abs(variance[channel] - expected.variance[channel])
        let rounding = 1e-7 * abs(expected.mean[channel]) * deviation
        #expect(
          error <= 4e-6 * expected.variance[channel] + rounding,
          "\(geometry.x) \(geometry.weight) channel \(channel), \(comment())")
      }
    }
  }

  @Test(arguments: Kind.all)
  func statisticsAreThoseOfWhatIsStored(kind: Kind) throws {
    let backend = try backend(kind)
    let graph = graph(kind.dtype)
    let found = try results(backend, graph)
    try expectStatistics(of: found, "\(kind)")
    #expect(try results(backend, graph) == found)
  }

  /// Statistics depend on a convolution's tile in nothing but the order of sums, which tile uses tell.
  @Test(arguments: [
    Kind(dtype: .float32, units: .off), Kind(dtype: .bfloat16, units: .emulated),
  ])
  func everyTileFindsThem(kind: Kind) throws {
    let backend = try backend(kind)
    let graph = graph(kind.dtype)
    let plain = try results(backend, graph)
    let places = try backend.tileCandidates(of: backend.optimized(graph))
    // Each place has another of its tiles.
    let tiles = Dictionary(
      uniqueKeysWithValues: places.enumerated().map { number, place in
        let odd = 2 * number + 1
        return (place.site, place.tiles[odd % place.tiles.count])
      })
    let found = try results(backend, graph, tiles: tiles)
    try expectStatistics(of: found, "\(kind) \(tiles)")
    for index in Self.geometries.indices {
      #expect(found["y\(index)"] == plain["y\(index)"])
    }
  }

  /// Who finds statistics, and whether a merge comes between.
  @Test(arguments: [DType.float32, .bfloat16])
  func noLaunchReadsAnImageForItsStatistics(dtype: DType) {
    let graph = graph(dtype).optimized(for: .kernels())
    let kernels = graph.lowered(matrixUnits: dtype == .float32 ? nil : .emulated).launches
      .map(\.variant)
    #expect(!kernels.contains("normalization_statistics"))
    let merges = kernels.count { $0 == "normalization_merge_statistics" }
    #expect(merges > 0 && merges < Self.geometries.count)
  }
}
