internal import DeviceRuntime
import IsometryCore
import IsometryGraph
internal import IsometryLowering
internal import IsometryReference
internal import Synchronization

/// Decides for one device, once a process, family and type, whether its matrix units are used: if the
/// device says that it has them, their kernels build, and a small step comes out as the reference
/// computes it. A fault of the kernels is kept beside the compiled programs and not tried again for the
/// same kernels, device and driver. Any other failure, such as a lack of memory, counts for this process.
final class MatrixUnitSelection: Sendable {
  private let options: OpenCLOptions
  private let device: SharedDevice
  /// The reason against each trial, by its description; nil if its kernels are right.
  private let verdicts = Mutex<[String: String?]>([:])

  init(_ options: OpenCLOptions, on device: SharedDevice) {
    self.options = options
    self.device = device
  }

  /// Whether matrix units are possible for some type.
  var isPossible: Bool {
    switch options.matrixUnits {
    case .off: false
    case .emulated: true
    case .auto: device.context.runtimeDevice.withoutTensorCores == nil
    }
  }

  /// Whether products in fp32 may have operands rounded to tf32.
  var mayRoundFloat: Bool { options.allowsTF32 && isPossible }

  private var units: MatrixUnits {
    MatrixUnits(
      kind: options.matrixUnits == .emulated ? .emulated : .tensorCores,
      types: options.allowsTF32 ? [.bfloat16, .float16, .float32] : [.bfloat16, .float16])
  }

  /// The units for the graph's products and convolutions; nil for portable kernels.
  func units(for graph: Graph) -> MatrixUnits? {
    guard isPossible else { return nil }
    var units = units
    var types: [KernelFamily: Set<DType>] = [:]
    for node in graph.nodes where units.compute(node, in: graph) {
      let (family, dtype) = (node.operation.family!, graph.type(of: node.inputs[0]).dtype)
      if run(family, dtype) { types[family, default: []].insert(dtype) }
    }
    units.types = types
    return types.isEmpty ? nil : units
  }

  /// Whether matrix units run the kernels of a family in a type.
  func run(_ family: KernelFamily, _ dtype: DType) -> Bool {
    guard isPossible else { return false }
    return options.matrixUnits == .emulated
      || isPassed(MatrixUnitTrial(units: units, family: family, dtype: dtype))
  }

  /// Whether the kernels of the trial compute what the reference does.
  func isPassed(_ trial: MatrixUnitTrial) -> Bool {
    verdicts.withLock { verdicts in
      if let known = verdicts["\(trial)"] { return known == nil }
      var reason = device.library.recordedRefusal(of: trial.programs, trial.dtype)
      if reason == nil, let refusal = trial.refusal(on: device.context.runtimeDevice, options) {
        reason = refusal.reason
        let isKept =
          refusal.isLasting
          && device.library.recordRefusal(refusal.reason, of: trial.programs, trial.dtype)
        options.warn(
          "the matrix units of \(device.context.runtimeDevice.name) are not used for \(trial), which "
            + "makes it slower, not wrong: \(refusal.reason); they are tried again "
            + (isKept ? "with another driver or new kernels" : "in the next run"))
      }
      verdicts.updateValue(reason, forKey: "\(trial)")
      return reason == nil
    }
  }

  /// The trials that this process or an earlier one refused, with the reasons.
  var refusals: [(trial: String, reason: String)] {
    guard options.matrixUnits == .auto else { return [] }
    return [DType.bfloat16, .float16, .float32].flatMap { dtype in
      [KernelFamily.convolution, .gemm].compactMap { family in
        let trial = MatrixUnitTrial(units: units, family: family, dtype: dtype)
        let reason =
          verdicts.withLock { $0["\(trial)"] }
          ?? device.library.recordedRefusal(of: trial.programs, dtype)
        return reason.map { ("\(trial)", $0) }
      }
    }
  }
}

/// The reason why matrix units are not used.
struct MatrixUnitRefusal: Equatable {
  let reason: String
  /// Whether the fault is their kernels', and not of the moment or of other kernels.
  let isLasting: Bool
}

/// A small step of the kernels of one family that use matrix units, with rims and two parts of a weight
/// gradient. Its programs are those of residual networks with Batch Normalization and ReLU, except for biases.
struct MatrixUnitTrial: CustomStringConvertible {
  let units: MatrixUnits
  /// `.convolution` or `.gemm`.
  let family: KernelFamily
  let dtype: DType

  /// The programs with the kernels.
  var programs: [ProgramFamily] {
    family == .gemm ? [.matrixProduct] : [.matrixConvolution, .matrixWeightGradient]
  }

  var description: String {
    (family == .gemm ? "products" : "convolutions") + " in "
      + (dtype == .float32 ? "tf32" : dtype.rawValue)
  }

  /// The reason why the device cannot use the units, or nil. The step has a context of its own:
  /// a kernel that accesses memory that is not its own ends that one, and not the one that trains.
  func refusal(on device: any RuntimeDevice, _ options: OpenCLOptions) -> MatrixUnitRefusal? {
    do {
      var options = options
      options.tiles = { _ in [:] }
      let device = try SharedDevice(device, options)
      let graph = family == .gemm ? products : convolutions
      let expected = try results(
        of: graph, ReferenceBackend<Float>().makeSession(for: graph))
      func step(_ traits: BackendTraits, _ units: MatrixUnits?) throws -> [[Double]] {
        try results(
          of: graph,
          OpenCLSession(
            graph.optimized(for: traits), device,
            // So few units have two parts of a weight gradient, and the blocks of a network's first layers.
            LoweringOptions(matrixUnits: units, computeUnits: 6),
            store: VariableStore(device.computeQueue)))
      }
      /// The first output that is wrong. A fragment in the wrong place is off by the size of the numbers,
      /// rounding by less than 1 %.
      func wrongOutput(_ found: [[Double]]) -> String? {
        for (output, (found, expected)) in zip(graph.outputs, zip(found, expected)) {
          let size =
            (expected.map { $0 * $0 }.reduce(0, +) / Double(expected.count)).squareRoot()
          let isNear = zip(found, expected).allSatisfy { abs($0 - $1) <= 0.05 * size }
          if !isNear { return output.name }
        }
        return nil
      }
      let found = try step(.kernels(prologueTypes: [dtype], leastChannels: 1), units)
      guard let wrong = wrongOutput(found) else { return nil }
      // The step also has launches of portable kernels, whose faults are not kept.
      return try MatrixUnitRefusal(
        reason: "they compute \(wrong) wrongly",
        isLasting: wrongOutput(step(.kernels(), nil)) == nil)
    } catch let error as KernelBuildError {
      let line = error.log.split(separator: "\n").first { $0.contains("error") } ?? ""
      return MatrixUnitRefusal(
        reason: "\(error.kernel) does not build \(line)",
        isLasting: programs.contains { $0.name == error.kernel })
    } catch {
      return MatrixUnitRefusal(reason: "\(error)", isLasting: false)
    }
  }

  private var convolutions: Graph {
    var graph = Graph()
    let x = graph.input("x", [8, 40, 19, 13], dtype)
    let dy = graph.input("dy", [8, 56, 10, 7], dtype)
    let (weight, bias) = (graph.variable("weight", [56, 40, 3, 3]), graph.variable("bias", [56]))
    let (scale, shift) = (graph.variable("scale", [40]), graph.variable("shift", [40]))
    let y = graph.biasAdd(
      graph.convolve(x, with: graph.cast(weight, to: dtype), stride: 2, padding: 1), bias)
    graph.output("convolutions", y)
    let gradients = graph.gradients(seeds: [(y, dy)], withRespectTo: [x, weight, bias])
    if let gradient = gradients[0] {
      let epilogue = Operation.activationGradient(ActivationGradient(.relu))
      graph.output("input gradients", graph.appendOne(epilogue, gradient, x))
    }
    for (name, gradient) in zip(["weight gradients", "bias gradients"], gradients[1...]) {
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
    for (name, images) in [("", y), (" of normalized images", z)] {
      let normalized = graph.batchNormalization(images, scale: bias, shift: bias).y
      graph.output("normalized convolutions" + name, graph.activation(normalized, .relu))
    }
    return graph
  }

  private var products: Graph {
    var graph = Graph()
    let (a, b) = (graph.input("a", [72, 40], dtype), graph.input("b", [40, 136], dtype))
    let product = graph.matrixMultiply(a, b)
    graph.output("products", product)
    graph.output("transposed products", graph.matrixMultiply(product, a, transposeLeft: true))
    graph.output(
      "products with a transposed matrix", graph.matrixMultiply(product, b, transposeRight: true))
    return graph
  }

  private func results(of graph: Graph, _ session: any Session) throws -> [[Double]] {
    var random = RandomStream(seed: 1)
    func numbers(_ shape: Shape, _ scale: Double) -> [Double] {
      random.normals(shape.elementCount).map { scale * $0 }
    }
    for (name, value) in graph.variables.sorted(by: { $0.name < $1.name }) {
      let shape = graph.shape(of: value)
      try session.write(
        HostTensor(shape, numbers(shape, 0.1), as: .float32), toVariable: name)
    }
    var inputs: [String: HostTensor] = [:]
    for node in graph.nodes {
      if case .input(let name, let type) = node.operation {
        inputs[name] = HostTensor(type.shape, numbers(type.shape, 1), as: dtype)
      }
    }
    try session.run(inputs)
    return try graph.outputs.map { try session.read(output: $0.name).doubles }
  }
}
