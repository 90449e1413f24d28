internal import GPUProbe
import IsometryCore
import IsometryGraph
internal import IsometryLowering
internal import OpenCLRuntime
internal import Synchronization

/// Decides for one device, once a process and type, whether its matrix units are used: if the
/// device says that it has them, their kernels build, and a small step comes out as the portable kernels
/// compute it. A fault of the kernels is kept beside the compiled programs and not tried again for the
/// same kernels, device and driver. Any other failure, such as a lack of memory, counts for this process.
final class MatrixUnitSelection: Sendable {
  private let options: OpenCLOptions
  private let device: SharedDevice
  /// The reason against each type that was tried; nil if its kernels are right.
  private let verdicts = Mutex<[DType: String?]>([:])

  init(_ options: OpenCLOptions, on device: SharedDevice) {
    self.options = options
    self.device = device
  }

  /// Whether matrix units are possible for some type.
  var isPossible: Bool {
    switch options.matrixUnits {
    case .off: false
    case .emulated: true
    case .auto: device.context.device.withoutTensorCores == nil
    }
  }

  /// Whether products in fp32 may have operands rounded to tf32.
  var mayRoundFloat: Bool { options.allowsTF32 && isPossible }

  /// Whether graphs in that type have their products on matrix units.
  func multiplies(_ dtype: DType) -> Bool {
    let units = units
    return isPossible && units.types.contains(dtype)
      && (options.matrixUnits == .emulated || isTrusted(units, dtype))
  }

  private var units: MatrixUnits {
    MatrixUnits(
      kind: options.matrixUnits == .emulated ? .emulated : .tensorCores,
      types: options.allowsTF32 ? [.bfloat16, .float16, .float32] : [.bfloat16, .float16])
  }

  /// The units for the graph's products and convolutions; nil for portable kernels.
  func units(for graph: Graph) -> MatrixUnits? {
    var units = units
    units.types = Set(graph.types.map(\.dtype)).filter { multiplies($0) }
    return units.types.isEmpty ? nil : units
  }

  /// Whether the kernels with these units compute in that type what the portable ones do.
  func isTrusted(_ units: MatrixUnits, _ dtype: DType) -> Bool {
    verdicts.withLock { verdicts in
      if let known = verdicts[dtype] { return known == nil }
      var reason = device.library.recordedRefusal(of: MatrixUnitTrial.families, dtype)
      if reason == nil,
        let refusal = MatrixUnitTrial(units: units, dtype: dtype)
          .refusal(on: device.context.device, options)
      {
        reason = refusal.reason
        let isKept =
          refusal.isLasting
          && device.library.recordRefusal(refusal.reason, of: MatrixUnitTrial.families, dtype)
        options.warn(
          "the matrix units of \(device.context.device.name) are not used for "
            + "\(Self.precision(dtype)), which makes it slower, not wrong: \(refusal.reason); they "
            + "are tried again "
            + (isKept ? "with another driver or new kernels" : "in the next run"))
      }
      verdicts.updateValue(reason, forKey: dtype)
      return reason == nil
    }
  }

  /// The types that this process or an earlier one refused, with the reasons.
  var refusals: [(precision: String, reason: String)] {
    guard options.matrixUnits == .auto else { return [] }
    return [DType.bfloat16, .float16, .float32].compactMap { dtype in
      let reason =
        verdicts.withLock { $0[dtype] }
        ?? device.library.recordedRefusal(of: MatrixUnitTrial.families, dtype)
      return reason.map { (Self.precision(dtype), $0) }
    }
  }

  private static func precision(_ dtype: DType) -> String {
    dtype == .float32 ? "tf32" : dtype.rawValue
  }
}

/// The reason why matrix units are not used.
struct MatrixUnitRefusal: Equatable {
  let reason: String
  /// Whether the fault is their kernels', and not of the moment or of other kernels.
  let isLasting: Bool
}

/// A step of every kernel that uses matrix units, small, with rims and two parts of a weight gradient.
struct MatrixUnitTrial {
  let units: MatrixUnits
  let dtype: DType

  static let families: [ProgramFamily] = [
    .matrixProduct, .matrixConvolution, .matrixWeightGradient,
  ]

  /// The reason why the device cannot use the units, or nil. The step has a context of its own:
  /// a kernel that accesses memory that is not its own ends that one, and not the one that trains.
  func refusal(on device: Device, _ options: OpenCLOptions) -> MatrixUnitRefusal? {
    do {
      let device = try SharedDevice(device, options)
      // Portable kernels take no prologues.
      let graph = self.graph
      let expected = try results(of: graph.optimized(for: .kernels()), on: device, nil)
      let found = try results(
        of: graph.optimized(for: .kernels(prologueTypes: [dtype], leastChannels: 1)), on: device,
        units)
      for (output, (found, expected)) in zip(graph.outputs, zip(found, expected)) {
        let size =
          (expected.map { $0 * $0 }.reduce(0, +) / Double(expected.count)).squareRoot()
        // A fragment in the wrong place is off by the size of the numbers, rounding by less than 1 %.
        let isNear = zip(found, expected).allSatisfy { abs($0 - $1) <= 0.05 * size }
        if !isNear {
          return MatrixUnitRefusal(
            reason: "they compute \(output.name) wrongly", isLasting: true)
        }
      }
      return nil
    } catch let error as KernelBuildError {
      let line = error.log.split(separator: "\n").first { $0.contains("error") } ?? ""
      return MatrixUnitRefusal(
        reason: "\(error.kernel) does not build \(line)",
        isLasting: Self.families.contains { $0.name == error.kernel })
    } catch {
      return MatrixUnitRefusal(reason: "\(error)", isLasting: false)
    }
  }

  private static let contents: [(name: String, shape: Shape)] = [
    ("x", [4, 24, 19, 13]), ("dy", [4, 40, 10, 7]), ("a", [72, 40]), ("b", [40, 136]),
  ]

  private var graph: Graph {
    var graph = Graph()
    let inputs = Self.contents.map { graph.input($0.name, $0.shape, dtype) }
    let (x, dy, a, b) = (inputs[0], inputs[1], inputs[2], inputs[3])
    let (weight, bias) = (graph.variable("weight", [40, 24, 3, 3]), graph.variable("bias", [40]))
    let (scale, shift) = (graph.variable("scale", [24]), graph.variable("shift", [24]))
    let y = graph.activation(
      graph.biasAdd(
        graph.convolve(x, with: graph.cast(weight, to: dtype), stride: 2, padding: 1), bias),
      .tanh)
    graph.output("convolutions", y)
    let gradients = graph.gradients(seeds: [(y, dy)], withRespectTo: [x, weight, bias])
    for (name, gradient) in zip(
      ["input gradients", "weight gradients", "bias gradients"], gradients)
    {
      if let gradient { graph.output(name, gradient) }
    }
    let normalized = graph.activation(
      graph.batchNormalization(x, scale: scale, shift: shift).y, .relu)
    let z = graph.convolve(
      normalized, with: graph.cast(weight, to: dtype), stride: 2, padding: 1)
    graph.output("convolutions of normalized images", z)
    if let gradient = graph.gradients(seeds: [(z, dy)], withRespectTo: [weight])[0] {
      graph.output("weight gradients with normalized images", gradient)
    }
    let product = graph.matrixMultiply(a, b)
    graph.output("products", product)
    graph.output("transposed products", graph.matrixMultiply(product, a, transposeLeft: true))
    graph.output(
      "products with a transposed matrix", graph.matrixMultiply(product, b, transposeRight: true))
    return graph
  }

  private func results(
    of graph: Graph, on device: SharedDevice, _ units: MatrixUnits?
  ) throws -> [[Double]] {
    let session = try OpenCLSession(
      graph, device, LoweringOptions(matrixUnits: units), store: VariableStore(device.computeQueue))
    var random = RandomStream(seed: 1)
    for (name, value) in graph.variables.sorted(by: { $0.name < $1.name }) {
      let shape = graph.shape(of: value)
      let numbers = random.normals(shape.elementCount).map { 0.1 * $0 }
      try session.write(HostTensor(shape, numbers, as: .float32), toVariable: name)
    }
    var inputs: [String: HostTensor] = [:]
    for (name, shape) in Self.contents {
      inputs[name] = HostTensor(shape, random.normals(shape.elementCount), as: dtype)
    }
    try session.run(inputs)
    return try graph.outputs.map { try session.read(output: $0.name).doubles }
  }
}
