import Foundation
import IsometryCore
import IsometryGraph
import SwiftProtobuf

/// A translation of an evaluation graph, node by node, into ONNX's operators.
///
/// A bias that follows a product becomes an input of the product. Values keep the order of their axes,
/// which is that of ONNX.
struct ONNXTranslation {
  private let source: Graph
  private let variables: [String: HostTensor]
  private let foldsNormalization: Bool
  private let useCounts: [Int]
  /// The name of each translated value.
  private var names: [Value: String] = [:]
  /// The position in `nodes` of the node that makes a name.
  private var producers: [String: Int] = [:]
  private var nodes: [ONNXNodeProto] = []
  private var constants: [String: HostTensor] = [:]
  private var shapes: [String: [Int64]] = [:]

  /// - Parameter variables: the values of the graph's variables, in fp32.
  init(of graph: Graph, variables: [String: HostTensor], foldsNormalization: Bool) {
    source = graph
    self.variables = variables
    self.foldsNormalization = foldsNormalization
    useCounts = graph.useCounts
  }

  /// The nodes, and the constants that they read.
  var result: ONNXGraphProto {
    let used = Set(nodes.flatMap(\.input))
    return .with { graph in
      graph.node = nodes
      graph.initializer =
        constants.filter { used.contains($0.key) }.sorted { $0.key < $1.key }
        .map { name, tensor in
          .with {
            $0.name = name
            $0.dims = tensor.shape.dimensions.map(Int64.init)
            $0.dataType = Int32(ONNXTensorProto.DataType.float.rawValue)
            $0.rawData = Data(tensor.bytes)
          }
        }
        + shapes.sorted { $0.key < $1.key }.map { name, shape in
          .with {
            $0.name = name
            $0.dims = [Int64(shape.count)]
            $0.dataType = Int32(ONNXTensorProto.DataType.int64.rawValue)
            $0.rawData = shape.withUnsafeBytes { Data($0) }
          }
        }
    }
  }

  /// Translates all nodes. The output of the graph gets its name.
  mutating func translate() throws(ExchangeError) {
    for node in source.nodes { try translate(node) }
    for (output, value) in source.outputs {
      guard let name = names[value], let producer = producers[name] else { continue }
      nodes[producer].output = [output]
    }
  }

  private mutating func translate(_ node: Node) throws(ExchangeError) {
    func input(_ index: Int) -> String { names[node.inputs[index]]! }
    func shape(_ index: Int) -> Shape { source.shape(of: node.inputs[index]) }
    let name: String
    switch node.operation {
    case .input(let input, _): name = input
    case .variable(let variable, _):
      guard let tensor = variables[variable], tensor.floats.allSatisfy(\.isFinite) else {
        throw .notFinite(name: variable)
      }
      constants[variable] = tensor
      name = variable
    case .weightStandardization(let standardization):
      for (index, factor) in standardization.factors.enumerated() {
        let (weight, gain) = (input(2 * index), input(2 * index + 1))
        let result = constants[weight]!.standardized(
          gain: constants[gain]!, factor: factor, epsilon: standardization.epsilon)
        names[node.results[index]] = constant("\(weight).standardized", result)
      }
      return
    case .add: name = emit("Add", [input(0), input(1)])
    case .subtract: name = emit("Sub", [input(0), input(1)])
    case .multiply, .scalarMultiply: name = emit("Mul", [input(0), input(1)])
    case .scalarAdd: name = emit("Add", [input(0), input(1)])
    case .scale(let factor): name = emit("Mul", [input(0), scalar(factor)])
    case .biasAdd:
      let bias = constants[input(1)]!
      name =
        addToProduct(input(0), of: node.inputs[0], factor: nil, offset: bias.doubles)
        ?? emit("Add", [input(0), channels(input(1), bias, of: shape(0))])
    case .activation(let activation): name = emit(activation, of: input(0))
    case .reshape(let shape):
      // The first axis is that of the images, of which ONNX has any number: 0 copies it.
      let rest = [0] + shape.dimensions.dropFirst().map(Int64.init)
      let constant = "shape_\(nodes.count)"
      shapes[constant] = rest
      name = emit("Reshape", [input(0), constant])
    case .matrixMultiply(let product) where shape(0).rank == 2 && product.epilogue == .none:
      name = emit(
        "Gemm", [input(0), input(1)],
        [.integer("transA", product.transposeLeft), .integer("transB", product.transposeRight)])
    case .convolution(let convolution, .none, nil):
      name = emit(
        "Conv", [input(0), input(1)],
        [
          .integers("kernel_shape", Array(shape(1).dimensions.dropFirst(2))),
          .pair("strides", convolution.stride), .pads(convolution.padding),
        ])
    case .frozenNormalization(let normalization) where normalization.epilogue == .none:
      name = normalized(node, normalization, (1...4).map(input), x: input(0))
    case .pool(let pooling):
      let attributes: [ONNXAttributeProto] = [
        .pair("kernel_shape", pooling.window), .pair("strides", pooling.stride),
        .pads(pooling.padding),
      ]
      name =
        switch pooling.kind {
        case .max: emit("MaxPool", [input(0)], attributes)
        case .average:
          emit("AveragePool", [input(0)], attributes + [.integer("count_include_pad", true)])
        }
    case .globalAveragePool:
      name = emit("Flatten", [emit("GlobalAveragePool", [input(0)])])
    case .fill, .cast, .activationGradient, .sum, .dot, .channelSum, .broadcast,
      .broadcastChannels, .matrixMultiply, .convolution, .convolutionInputGradient,
      .convolutionWeightGradient, .batchNormalization, .batchNormalizationStatistics,
      .normalizationFactor, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .weightStandardizationGradient, .averagePoolGradient,
      .maxPoolGradient, .maxPoolTangent, .globalAveragePoolGradient, .softmaxCrossEntropy,
      .decodeImages, .adaptiveClip, .momentumDirections, .update, .orthogonalUpdate,
      .runningAverage, .accumulate, .norm, .gradientScale, .lossScaleUpdate, .allReduceStart,
      .allReduceWait:
      throw .unsupportedOperation(node.operation.name)
    }
    names[node.results[0]] = name
  }

  /// Batch Normalization, or the name of the product that contains it.
  ///
  /// - Parameter vectors: the names of scale, shift, mean and variance.
  private mutating func normalized(
    _ node: Node, _ normalization: Normalization, _ vectors: [String], x: String
  ) -> String {
    let epsilon = normalization.epsilon
    if foldsNormalization {
      let values = vectors.map { constants[$0]!.doubles }
      let factor = zip(values[0], values[3]).map { $0 / ($1 + epsilon).squareRoot() }
      let offset = factor.indices.map { values[1][$0] - values[2][$0] * factor[$0] }
      if let product = addToProduct(x, of: node.inputs[0], factor: factor, offset: offset) {
        return product
      }
    }
    return emit("BatchNormalization", [x] + vectors, [.number("epsilon", epsilon)])
  }

  /// Makes y → factor·y + offset of each channel part of the product that computes y, perhaps below a
  /// pooling that commutes with it.
  ///
  /// - Returns: the name of the result; nil if no product computes y, or if others read it.
  private mutating func addToProduct(
    _ name: String, of value: Value, factor: [Double]?, offset: [Double]
  ) -> String? {
    guard useCounts[value.index] == 1, let position = producers[name] else { return nil }
    let inputs = nodes[position].input
    switch nodes[position].opType {
    case "Conv", "Gemm": break
    case "MaxPool" where factor?.allSatisfy { $0 > 0 } ?? true:
      let convolution = source.producer(of: value).inputs[0]
      return addToProduct(inputs[0], of: convolution, factor: factor, offset: offset)
        .map { _ in name }
    default: return nil
    }
    let weight = inputs[1]
    let old = inputs.count > 2 ? constants[inputs[2]]!.doubles : offset.map { _ in 0 }
    let bias = offset.indices.map { (factor?[$0] ?? 1) * old[$0] + offset[$0] }
    let folded = constant("\(weight).bias", HostTensor([bias.count], bias))
    nodes[position].input = [inputs[0], weight, folded]
    if let factor {
      let tensor = constants[weight]!
      let length = tensor.shape.elementCount(from: 1)
      let scaled = tensor.doubles.enumerated().map { factor[$0 / length] * $1 }
      nodes[position].input[1] = constant("\(weight).folded", HostTensor(tensor.shape, scaled))
    }
    return name
  }

  /// The name of a vector [C] that applies to the channels of a tensor.
  private mutating func channels(_ name: String, _ vector: HostTensor, of shape: Shape) -> String {
    guard shape.rank > 2 else { return name }
    let ones = [Int](repeating: 1, count: shape.rank - 2)
    return constant(
      "\(name).channels", HostTensor(Shape([shape[1]] + ones), vector.floats))
  }
}

// The parts of a model.
extension ONNXTranslation {
  private mutating func emit(
    _ type: String, _ inputs: [String], _ attributes: [ONNXAttributeProto] = []
  ) -> String {
    let name = "\(type)_\(nodes.count)"
    producers[name] = nodes.count
    nodes.append(
      .with {
        ($0.name, $0.opType, $0.input, $0.output, $0.attribute) = (
          name, type, inputs, [name], attributes
        )
      })
    return name
  }

  private mutating func constant(_ name: String, _ tensor: HostTensor) -> String {
    constants[name] = tensor
    return name
  }

  private mutating func scalar(_ number: Double) -> String {
    constant("number_\(number)", HostTensor([1], [number]))
  }

  private mutating func emit(_ activation: Activation, of x: String) -> String {
    switch activation {
    case .linear: return emit("Identity", [x])
    case .relu: return emit("Relu", [x])
    case .leakyReLU(let slope): return emit("LeakyRelu", [x], [.number("alpha", slope)])
    case .tanh: return emit("Tanh", [x])
    case .hardTanh: return emit("Max", [emit("Min", [x, scalar(1)]), scalar(-1)])
    case .sigmoid: return emit("Sigmoid", [x])
    case .erf: return emit("Erf", [x])
    case .unitErf: return emit("Erf", [emit("Mul", [x, scalar(Activation.unitErfScale)])])
    case .selu:
      return emit(
        "Selu", [x],
        [.number("alpha", Activation.seluAlpha), .number("gamma", Activation.seluScale)])
    case .elu(let alpha): return emit("Elu", [x], [.number("alpha", alpha)])
    case .softplus: return emit("Softplus", [x])
    case .silu: return emit("Mul", [x, emit("Sigmoid", [x])])
    case .gelu:
      let cumulative = emit("Erf", [emit("Mul", [x, scalar(0.5.squareRoot())])])
      return emit("Mul", [emit("Mul", [x, scalar(0.5)]), emit("Add", [cumulative, scalar(1)])])
    case .shiftedReLU: return emit("Max", [x, scalar(-1)])
    }
  }
}

extension ONNXAttributeProto {
  fileprivate static func integer(_ name: String, _ flag: Bool) -> Self {
    .with { ($0.name, $0.type, $0.i) = (name, .int, flag ? 1 : 0) }
  }

  fileprivate static func number(_ name: String, _ number: Double) -> Self {
    .with { ($0.name, $0.type, $0.f) = (name, .float, Float(number)) }
  }

  fileprivate static func integers(_ name: String, _ numbers: [Int]) -> Self {
    .with { ($0.name, $0.type, $0.ints) = (name, .ints, numbers.map(Int64.init)) }
  }

  fileprivate static func pair(_ name: String, _ pair: Convolution.Pair) -> Self {
    integers(name, [pair.height, pair.width])
  }

  /// The same number of pixels on opposite sides.
  fileprivate static func pads(_ padding: Convolution.Pair) -> Self {
    integers("pads", [padding.height, padding.width, padding.height, padding.width])
  }
}

extension HostTensor {
  /// The weights of each unit with mean 0 and the sum of squares of `WeightStandardization`.
  fileprivate func standardized(
    gain: HostTensor, factor: Double, epsilon: Double
  ) -> HostTensor {
    let (weights, gains) = (doubles, gain.doubles)
    let length = shape.elementCount(from: 1)
    var result: [Double] = []
    result.reserveCapacity(weights.count)
    for unit in 0..<shape[0] {
      let row = weights[unit * length..<(unit + 1) * length]
      let mean = row.reduce(0, +) / Double(length)
      let squares = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let scale = factor * gains[unit] / (squares + epsilon).squareRoot()
      result += row.map { ($0 - mean) * scale }
    }
    return HostTensor(shape, result)
  }
}
