import DeviceRuntime
import IsometryCore
import IsometryGraph
import OpenCLRuntime
import TestSupport
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

/// Products of fp32 on matrix units, which round operands to tf32.
@Suite(.enabled(if: device != nil, "no OpenCL device on this machine"))
struct TF32Tests {
  private static let text = """
    kernel void round_numbers(const global float *numbers, global uint *bits) {
      bits[get_global_id(0)] = tf32_bits(numbers[get_global_id(0)]);
    }
    """

  private func program(_ units: MatrixUnits, _ context: Context) throws -> Program {
    let header = try KernelSources(directory: nil).source(of: "common/matrix_unit.cl")
    return try Program(
      context, name: "tf32", source: header + MatrixUnitTests.multiplyKernel + Self.text,
      options: "-DMATRIX_UNIT_EMULATED=\(units.defines["MATRIX_UNIT_EMULATED"] ?? 0)")
  }

  /// By the PTX ISA's tables for m16n8k8.
  @Test(arguments: MatrixUnitTests.units)
  func fragmentsAreMultipliedAsTheTablesSay(units: MatrixUnits) throws {
    let context = try Context(#require(device))
    let queue = try CommandQueue(context)
    var random = RandomStream(seed: 1)
    func matrix(_ rows: Int, _ columns: Int) -> [[Float]] {
      (0..<rows).map { _ in
        (0..<columns).map { _ in Float(Int(random.integer(below: 17)) - 8) }
      }
    }
    let (a, b) = (matrix(16, 8), matrix(8, 8))
    var words: [Float] = []
    for lane in 0..<32 {
      words += (0..<4).map { a[lane / 4 + 8 * ($0 % 2)][lane % 4 + 4 * ($0 / 2)] }
      words += (0..<2).map { b[lane % 4 + 4 * $0][lane / 4] }
    }
    let kernel = try program(units, context).makeKernel("multiply")
    let input = try Buffer(context, byteCount: 4 * words.count)
    let output = try Buffer(context, byteCount: 4 * 128)
    try queue.upload(words, to: input)
    try kernel.set(0, input)
    try kernel.set(1, output)
    try queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [32, 1, 1]))
    let found = try queue.download(output, count: 128, of: Float(0))
    for lane in 0..<32 {
      for element in 0..<4 {
        let (row, column) = (lane / 4 + 8 * (element / 2), 2 * (lane % 4) + element % 2)
        let product = (0..<8).map { a[row][$0] * b[$0][column] }.reduce(0, +)
        #expect(found[lane * 4 + element] == product + Float(element + 1))
      }
    }
  }

  /// To 10 bits behind the point, ties away from 0.
  @Test(arguments: MatrixUnitTests.units)
  func numbersAreRounded(units: MatrixUnits) throws {
    let step = Float(sign: .plus, exponent: -10, significand: 1)
    let numbers: [(Float, Float)] = [
      (0, 0), (1, 1), (1 + step, 1 + step), (1 + step / 2, 1 + step),
      (-1 - step / 2, -1 - step), (1 + step / 2 - step / 8192, 1), (2 - step / 8, 2),
      (.infinity, .infinity), (-.infinity, -.infinity),
    ]
    let context = try Context(#require(device))
    let queue = try CommandQueue(context)
    let input = try Buffer(context, byteCount: 4 * numbers.count)
    let output = try Buffer(context, byteCount: 4 * numbers.count)
    let kernel = try program(units, context).makeKernel("round_numbers")
    try queue.upload(numbers.map(\.0), to: input)
    try kernel.set(0, input)
    try kernel.set(1, output)
    try queue.launch(kernel, LaunchGeometry(covering: numbers.count, by: 1))
    let found = try queue.download(output, count: numbers.count, of: UInt32(0))
    for (bits, (number, rounded)) in zip(found, numbers) {
      #expect(Float(bitPattern: bits) == rounded, "\(number)")
    }
  }

  // MARK: Whole kernels

  /// Small whole numbers, which tf32 holds and whose sums fp32 holds, so that every order of the
  /// products gives the same bits.
  private static let contents: [(name: String, shape: Shape)] = [
    ("x", [3, 24, 11, 7]), ("dy", [3, 40, 6, 4]), ("weight", [40, 24, 3, 3]), ("bias", [40]),
    ("a", [72, 40]), ("b", [40, 136]),
  ]

  /// Strided convolutions with a rectifier, all their gradients, and products of either order.
  private func graph() -> Graph {
    var graph = Graph()
    var values: [String: Value] = [:]
    for (name, shape) in Self.contents {
      values[name] =
        ["weight", "bias"].contains(name)
        ? graph.variable(name, shape) : graph.input(name, shape)
    }
    func value(_ name: String) -> Value { values[name]! }
    let y = graph.activation(
      graph.biasAdd(
        graph.convolve(value("x"), with: value("weight"), stride: 2, padding: 1), value("bias")),
      .relu)
    graph.output("y", y)
    let gradients = graph.gradients(
      seeds: [(y, value("dy"))], withRespectTo: ["x", "weight", "bias"].map(value))
    for (name, gradient) in zip(["dx", "dweight", "dbias"], gradients) {
      if let gradient { graph.output(name, gradient) }
    }
    let product = graph.matrixMultiply(value("a"), value("b"))
    graph.output("ab", product)
    graph.output("abᵀ", graph.matrixMultiply(product, value("b"), transposeRight: true))
    graph.output("aᵀab", graph.matrixMultiply(value("a"), product, transposeLeft: true))
    return graph
  }

  private func run(_ options: OpenCLOptions) throws -> (
    results: [String: HostTensor], kernels: Set<String>
  ) {
    let backend = try OpenCLBackend(#require(device), number: 0, options: options)
    let session = try #require(try backend.makeSession(for: graph()) as? OpenCLSession)
    var random = RandomStream(seed: 7)
    var inputs: [String: HostTensor] = [:]
    for (name, shape) in Self.contents {
      let numbers = (0..<shape.elementCount).map { _ in Float(random.integer(below: 7)) - 3 }
      inputs[name] = HostTensor(shape, numbers)
    }
    for name in ["weight", "bias"] { try session.write(inputs[name]!, toVariable: name) }
    try session.run(inputs)
    var results: [String: HostTensor] = [:]
    for (name, _) in session.graph.outputs { results[name] = try session.read(output: name) }
    return (results, Set(session.launchWork.map(\.variant)))
  }

  @Test func wholeNumbersHaveThePortableKernelsBits() throws {
    let portable = try run(OpenCLOptions.forTests(matrixUnits: .off))
    var options = OpenCLOptions.forTests(matrixUnits: .emulated)
    options.allowsTF32 = true
    let found = try run(options)
    #expect(found.results.count == 7)
    for (name, tensor) in portable.results { #expect(found.results[name] == tensor, "\(name)") }
    let kernels: Set = [
      "convolution_matrix_tile_forward", "convolution_matrix_tile_input_gradient",
      "convolution_matrix_tile_weight_gradient", "gemm_matrix_tile",
    ]
    #expect(found.kernels.isSuperset(of: kernels))
    #expect(portable.kernels.isDisjoint(with: kernels))
  }

  /// What is normalized on its way is rounded as what was stored.
  @Test func prologuesHaveTheBitsOfStoredTensors() throws {
    var graph = Graph()
    let (x, dy) = (graph.input("x", [3, 24, 11, 7]), graph.input("dy", [3, 40, 6, 4]))
    let (scale, shift) = (graph.variable("scale", [24]), graph.variable("shift", [24]))
    let weight = graph.variable("weight", [40, 24, 3, 3])
    let normalized = graph.activation(
      graph.batchNormalization(x, scale: scale, shift: shift).y, .relu)
    let y = graph.convolve(normalized, with: weight, stride: 2, padding: 1)
    graph.output("y", y)
    graph.output("dw", graph.gradients(seeds: [(y, dy)], withRespectTo: [weight])[0]!)
    var options = OpenCLOptions.forTests(matrixUnits: .emulated)
    options.allowsTF32 = true
    let backend = try OpenCLBackend(#require(device), number: 0, options: options)
    var traits = backend.traits(for: graph)
    #expect(traits.prologueTypes == [.float32])
    traits.prologueLeastChannels = 1
    let normalizing = graph.optimized(for: traits)
    traits.prologueTypes = []
    let results = try [graph.optimized(for: traits), normalizing].map { graph in
      let session = try #require(try backend.bind(graph, sharing: nil) as? OpenCLSession)
      #expect(session.launchWork.count { $0.variant.contains("matrix_tile") } == 2)
      var random = RandomStream(seed: 3)
      func tensor(_ value: Value) -> HostTensor {
        let shape = graph.shape(of: value)
        return HostTensor(shape, random.normals(shape.elementCount).map { Float($0) })
      }
      for (name, value) in graph.variables {
        try session.write(tensor(value), toVariable: name)
      }
      try session.run(
        Dictionary(uniqueKeysWithValues: graph.inputs.map { ($0.name, tensor($0.value)) }))
      return try graph.outputs.map { try session.read(output: $0.name) }
    }
    #expect(results[0] == results[1])
  }

  /// fp32 is not rounded for those who did not ask.
  @Test func withoutLeaveNothingIsRounded() throws {
    let found = try run(OpenCLOptions.forTests(matrixUnits: .emulated))
    #expect(!found.kernels.contains { $0.contains("matrix_tile") })
  }
}
