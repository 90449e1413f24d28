import DeviceRuntime
import Foundation
import IsometryCore
import IsometryGraph
import OpenCLRuntime
import TestSupport
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

/// Kernels for matrix units: the layout of fragments, the choice of tiles, and who may use them.
@Suite(.serialized) struct MatrixUnitTests {
  private static let kernels = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "kernels")

  // MARK: Fragments, by the PTX ISA's tables

  /// Whoever multiplies on this machine: the emulation, and tensor cores where there are some.
  static let units: [MatrixUnits] =
    [.emulated] + ((device?.computeCapability?.major ?? 0) >= 8 ? [.tensorCores] : [])

  /// Each item's words of A and B, and its sums from 1, 2, 3, 4 on.
  static let multiplyKernel = """
    kernel __attribute__((reqd_work_group_size(32, 1, 1))) void multiply(
        const global uint *words, global float *result) {
      DECLARE_WARP(warp, 1);
      uint a[4], b[2];
      for (int w = 0; w < 4; ++w) a[w] = words[warp.lane * 6 + w];
      for (int w = 0; w < 2; ++w) b[w] = words[warp.lane * 6 + 4 + w];
      float sums[4] = {1, 2, 3, 4};
      multiply_fragments(&warp, sums, a, b);
      for (int e = 0; e < 4; ++e) result[warp.lane * 4 + e] = sums[e];
    }

    """

  private func program(_ units: MatrixUnits, _ context: Context) throws -> Program {
    let text = """
      kernel __attribute__((reqd_work_group_size(32, 1, 1))) void load(
          const global ushort *numbers, global uint *plain, global uint *transposed) {
        local uint4 rows[32];
        DECLARE_WARP(warp, 1);
        copy_to_local(&warp, rows + warp.lane, numbers + warp.lane * 8, warp.lane != 9, REUSED);
        commit_copies(&warp);
        wait_for_copies(&warp, 0);
        barrier(CLK_LOCAL_MEM_FENCE);
        uint words[4];
        load_fragments(&warp, words, rows + warp.lane, 0);
        for (int w = 0; w < 4; ++w) plain[warp.lane * 4 + w] = words[w];
        load_fragments(&warp, words, rows + warp.lane, 1);
        for (int w = 0; w < 4; ++w) transposed[warp.lane * 4 + w] = words[w];
      }
      """
    let header = try KernelSources(directory: nil).source(of: "common/matrix_unit.cl")
    return try Program(
      context, name: "fragments", source: header + Self.multiplyKernel + text,
      options: "-DSTORAGE_BFLOAT16=1 -DWIDTH=8 -DMATRIX_UNIT_EMULATED=\(units == .emulated ? 1 : 0)"
    )
  }

  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"), arguments: units)
  func fragmentsAreMultipliedAsTheTablesSay(units: MatrixUnits) throws {
    let context = try Context(#require(device))
    let queue = try CommandQueue(context)
    var random = RandomStream(seed: 1)
    func matrix(_ rows: Int, _ columns: Int) -> [[Float]] {
      (0..<rows).map { _ in
        (0..<columns).map { _ in Float(Int(random.integer(below: 17)) - 8) }
      }
    }
    // Whole numbers below 256 are exact in bf16.
    func pair(_ low: Float, _ high: Float) -> UInt32 {
      low.bitPattern >> 16 | high.bitPattern & 0xFFFF_0000
    }
    let (a, b) = (matrix(16, 16), matrix(16, 8))
    var words: [UInt32] = []
    for lane in 0..<32 {
      for word in 0..<4 {
        let (row, column) = (lane / 4 + 8 * (word % 2), 2 * (lane % 4) + 8 * (word / 2))
        words.append(pair(a[row][column], a[row][column + 1]))
      }
      for word in 0..<2 {
        let row = 2 * (lane % 4) + 8 * word
        words.append(pair(b[row][lane / 4], b[row + 1][lane / 4]))
      }
    }
    let kernel = try program(units, context).makeKernel("multiply")
    let (input, output) = (
      try Buffer(context, byteCount: 4 * words.count), try Buffer(context, byteCount: 4 * 128)
    )
    try queue.upload(words, to: input)
    try kernel.set(0, input)
    try kernel.set(1, output)
    try queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [32, 1, 1]))
    let found = try queue.download(output, count: 128, of: Float(0))
    for lane in 0..<32 {
      for element in 0..<4 {
        let (row, column) = (lane / 4 + 8 * (element / 2), 2 * (lane % 4) + element % 2)
        let sum = (0..<16).map { a[row][$0] * b[$0][column] }.reduce(Float(element + 1), +)
        #expect(found[lane * 4 + element] == sum)
      }
    }
  }

  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"), arguments: units)
  func fragmentsAreLoadedAsTheTablesSay(units: MatrixUnits) throws {
    let context = try Context(#require(device))
    let queue = try CommandQueue(context)
    let numbers = (0..<256).map { UInt16($0 + 1) }
    let kernel = try program(units, context).makeKernel("load")
    let input = try Buffer(context, byteCount: 512)
    let outputs = try (0..<2).map { _ in try Buffer(context, byteCount: 512) }
    try queue.upload(numbers, to: input)
    for (index, buffer) in ([input] + outputs).enumerated() { try kernel.set(index, buffer) }
    try queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [32, 1, 1]))
    // Row 9, the second of matrix 1, was outside.
    func number(_ matrix: Int, _ row: Int, _ column: Int) -> UInt32 {
      matrix * 8 + row == 9 ? 0 : UInt32(numbers[matrix * 64 + row * 8 + column])
    }
    for (isTransposed, buffer) in zip([false, true], outputs) {
      let found = try queue.download(buffer, count: 128, of: UInt32(0))
      for lane in 0..<32 {
        for matrix in 0..<4 {
          let (outer, inner) = (lane / 4, 2 * (lane % 4))
          let pair = [0, 1].map {
            isTransposed
              ? number(matrix, inner + $0, outer) : number(matrix, outer, inner + $0)
          }
          #expect(found[lane * 4 + matrix] == pair[0] | pair[1] << 16)
        }
      }
    }
  }

  // MARK: Tiles

  @Test(arguments: [1, 60, 200, 1 << 20], [8, 16, 24, 64, 72, 128, 192, 1000])
  func tilesAreLegal(rows: Int, columns: Int) throws {
    for dtype in [DType.float16, .float32] {
      let tile = MatrixTile(dtype, .tensorCores) {
        $0.time(groups: $0.blocks(rows: rows, columns: columns), computeUnits: 132)
      }
      let variant = tile.variant(
        .matrixProduct, leftInnerLast: true, rightInnerLast: false)
      func tunable(_ name: String) throws -> Int { Int(try #require(variant.defines[name]))! }
      let (down, across) = (try tunable("WARP_ROWS"), try tunable("WARP_COLUMNS"))
      #expect(down % 16 == 0 && across % 16 == 0)
      #expect(tile.rows / down * (tile.columns / across) * 32 == MatrixTile.items)
      let products = (tile.rows + tile.columns) * tile.inner * (try tunable("STAGES"))
      let bytes = dtype.byteCount * products
      #expect(bytes <= 48 << 10)
      let covered =
        quotientRoundedUp(rows, tile.rows) * quotientRoundedUp(columns, tile.columns)
      #expect(tile.blocks(rows: rows, columns: columns) == covered)
    }
  }

  /// A weight gradient has few blocks, but its parts give each compute unit equally many groups.
  @Test(arguments: [16, 132], [64, 128])
  func partsFillTheDevice(computeUnits: Int, channels: Int) {
    let images: Shape = [512, channels, 32, 32]
    let sizes = ConvolutionSizes(
      Convolution(padding: .init(1)), images: images, weights: [channels, channels, 3, 3],
      pooled: images)
    func split(_ block: MatrixTile) -> MatrixWeightGradientTile {
      MatrixWeightGradientTile(
        block, sizes, rows: 9 * channels, computeUnits: computeUnits, partsFactor: 1)
    }
    let tile = split(MatrixTile(.bfloat16, .tensorCores) { split($0).time })
    #expect(tile.block.rows == 128 && tile.block.columns == channels)
    let groups = tile.parts * tile.block.blocks(rows: 9 * channels, columns: channels)
    let places = quotientRoundedUp(groups, computeUnits) * computeUnits
    #expect(groups > computeUnits && 10 * groups > 9 * places)
    #expect(tile.parts * tile.pixelsPerPart >= 512 * 32 * 32)
    #expect((tile.parts - 1) * tile.pixelsPerPart < 512 * 32 * 32)
  }

  /// A layer with channels that matrix units take, forward and backward, and one that they do not.
  private func kernels(of dtype: DType, _ units: MatrixUnits?) -> [String] {
    var graph = Graph()
    let image = graph.input("image", [64, 3, 16, 16], dtype)
    let stem = graph.variable("stem", [16, 3, 3, 3])
    let weight = graph.variable("weight", [32, 16, 3, 3])
    let dense = graph.variable("dense", [10, 32])
    let x = graph.convolve(image, with: graph.cast(stem, to: dtype), padding: 1)
    let y = graph.convolve(x, with: graph.cast(weight, to: dtype), stride: 2, padding: 1)
    let logits = graph.dense(graph.globalAveragePool(y), weight: graph.cast(dense, to: dtype))
    let loss = graph.cast(graph.sum(logits), to: .float32)
    graph.output("loss", loss)
    let gradients = graph.gradients(of: loss, withRespectTo: [stem, weight, dense])
    for (name, gradient) in zip(["a", "b", "c"], gradients) { graph.output(name, gradient!) }
    let optimized = graph.optimized(for: .kernels())
    return optimized.lowered(matrixUnits: units).launches.map(\.variant)
  }

  @Test func operandsOfWholeChunksUseMatrixUnits() {
    for dtype in [DType.bfloat16, .float16] {
      let kernels = kernels(of: dtype, .tensorCores)
      for name in ["forward", "input_gradient", "weight_gradient"] {
        #expect(
          kernels.filter { $0 == "convolution_matrix_tile_" + name }.count == 1, "\(kernels)")
      }
      // The stem's three channels, and the head's ten columns.
      #expect(kernels.contains("convolution_register_tile_forward"))
      #expect(kernels.contains("gemm_register_tile"))
      let portable = self.kernels(of: dtype, nil)
      #expect(!portable.contains { $0.contains("matrix_tile") })
      #expect(portable.count == kernels.count, "\(portable) \(kernels)")
    }
    #expect(!kernels(of: .float32, .tensorCores).contains { $0.contains("matrix_tile") })
  }

  // MARK: Trials

  private func backend(_ options: OpenCLOptions) throws -> OpenCLBackend {
    try OpenCLBackend(#require(device), number: 0, options: options)
  }

  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"))
  func devicesWithoutMatrixUnitsAreNotAsked() throws {
    let backend = try backend(OpenCLOptions())
    let has = (device?.computeCapability?.major ?? 0) >= 8
    #expect(backend.mayUseMatrixUnits == has)
    var graph = Graph()
    graph.output("x", graph.input("x", [8, 8], .bfloat16))
    if !has { #expect(backend.matrixUnits.units(for: graph) == nil) }
    #expect(try !self.backend(OpenCLOptions(matrixUnits: .off)).mayUseMatrixUnits)
  }

  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"))
  func prologuesAreForTypesThatMatrixUnitsMultiply() throws {
    var graph = Graph()
    for dtype in [DType.float32, .bfloat16] {
      let x = graph.input(dtype.rawValue, [1, 8, 4, 4], dtype)
      let weight = graph.input("\(dtype) weight", [8, 8, 3, 3], dtype)
      graph.output("\(dtype) y", graph.convolve(x, with: weight))
    }
    for units in [MatrixUnitUse.off, .emulated] {
      var options = OpenCLOptions(matrixUnits: units)
      #expect(
        try backend(options).fastestPrecision.precision == (units == .emulated ? .bf16 : .fp32))
      let types = try backend(options).traits(for: graph).prologueTypes
      #expect(types == (units == .emulated ? [.bfloat16] : []))
      options.usesPrologues = false
      #expect(try backend(options).traits(for: graph).prologueTypes.isEmpty)
    }
  }

  /// The pass gives prologues to no convolution that runs on portable kernels.
  @Test func prologuesAreForWholeChunks() {
    for (channels, filters) in [(8, 16), (12, 16), (16, 10), (64, 64)] {
      var graph = Graph()
      let x = graph.input("x", [2, channels, 5, 5], .bfloat16)
      let normalized = graph.batchNormalization(
        x, scale: graph.variable("scale", [channels]), shift: graph.variable("shift", [channels]))
      let weight = graph.variable("weight", [filters, channels, 3, 3], .bfloat16)
      graph.output("y", graph.convolve(normalized.y, with: weight))
      let optimized = graph.optimized(for: .kernels(prologueTypes: [.bfloat16], leastChannels: 1))
      let isWhole =
        MatrixUnits.canRead(rowsOf: channels) && MatrixUnits.canRead(rowsOf: filters)
      #expect(
        optimized.nodes.contains { $0.operation.name == "batchNormalizationStatistics" }
          == isWhole)
    }
  }

  @Test(
    .enabled(if: device != nil, "no OpenCL device on this machine"),
    arguments: [DType.bfloat16, .float16, .float32], [KernelFamily.convolution, .gemm])
  func theTrialPassesRightKernels(dtype: DType, family: KernelFamily) throws {
    let trial = MatrixUnitTrial(units: Self.emulation, family: family, dtype: dtype)
    #expect(try trial.refusal(on: #require(device), .forTests()) == nil)
  }

  private static let emulation = MatrixUnits(
    kind: .emulated, types: [.bfloat16, .float16, .float32])

  /// Notes what a backend warns of.
  private final class Warnings: Sendable {
    private let lines = LockedLines()
    var all: [String] { lines.all }
    func add(_ line: String) { lines.add(line) }

    private final class LockedLines: @unchecked Sendable {
      private let lock = NSLock()
      private var lines: [String] = []
      var all: [String] { lock.withLock { lines } }
      func add(_ line: String) { lock.withLock { lines.append(line) } }
    }
  }

  /// What is replaced in the kernels, and what the reason says then.
  struct Sabotage: Sendable {
    let piece: String
    let text: String
    let replacement: String
    let reason: String
    var isKept = true
  }

  @Test(
    .enabled(if: device != nil, "no OpenCL device on this machine"),
    arguments: [
      Sabotage(
        piece: "common/matrix_unit.cl", text: "words[w] = first[",
        replacement: "words[3 - w] = first[",
        reason: "they compute convolutions wrongly"),
      Sabotage(
        piece: "gemm/matrix_tile.cl", text: "void gemm",
        replacement: "nonsense gemm",
        reason: "gemm-matrix-tile does not build"),
      // A launch that the driver refuses, and a portable kernel: neither is kept.
      Sabotage(
        piece: "gemm/matrix_tile.cl", text: "const int inner) {",
        replacement: "const int inner, const int unset) {",
        reason: "CL_INVALID_KERNEL_ARGS", isKept: false),
      Sabotage(
        piece: "normalization/statistics.cl", text: "KERNEL void normalization_statistics",
        replacement: "nonsense normalization_statistics",
        reason: "normalization-apply does not build", isKept: false),
      Sabotage(
        piece: "normalization/statistics.cl", text: "shift + sum / next.count;",
        replacement: "shift + sum;",
        reason: "they compute convolutions of normalized images wrongly", isKept: false),
    ])
  func faultyKernelsAreRefused(sabotage: Sabotage) throws {
    let directory = NSTemporaryDirectory() + "isometry-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let kernels = directory + "/kernels"
    try FileManager.default.copyItem(atPath: Self.kernels.path, toPath: kernels)
    let path = "\(kernels)/\(sabotage.piece)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(sabotage.text))
    try text.replacing(sabotage.text, with: sabotage.replacement)
      .write(toFile: path, atomically: true, encoding: .utf8)

    let trial = MatrixUnitTrial(
      units: Self.emulation, family: sabotage.piece.hasPrefix("gemm") ? .gemm : .convolution,
      dtype: .bfloat16)
    let warnings = Warnings()
    for run in 0..<2 {
      var options = OpenCLOptions.forTests()
      options.cacheDirectory = directory + "/cache"
      options.kernelDirectory = kernels
      options.recordsLaunches = false
      options.warn = { warnings.add($0) }
      let backend = try backend(options)
      // The second run knows what the first has kept before it needs the units.
      let isKnown = backend.deviceDescription.contains(sabotage.reason)
      #expect(isKnown == (run == 1 && sabotage.isKept))
      for _ in 0..<2 {
        #expect(!backend.matrixUnits.isPassed(trial))
      }
      let description = backend.deviceDescription
      #expect(description.contains("; matrix units are not used for \(trial): "))
      #expect(description.contains(sabotage.reason), "\(description)")
    }
    #expect(warnings.all.count == (sabotage.isKept ? 1 : 2), "\(warnings.all)")
    #expect(warnings.all.allSatisfy { $0.contains(sabotage.reason) }, "\(warnings.all)")
    // Without the fault the same device is asked again.
    let mended = try backend(OpenCLOptions(cacheDirectory: directory + "/cache"))
    #expect(mended.matrixUnits.refusals.isEmpty)
  }
}
