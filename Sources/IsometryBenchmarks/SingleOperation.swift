import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN

/// An operation in a separate graph, with operands of the types that it has in another graph.
///
/// Operands are variables, which backends keep in the layouts that the operation needs, as after the
/// operation before it. Inputs from the host stay inputs.
struct SingleOperation {
  let graph: Graph
  let node: Node
  let family: KernelFamily

  /// Identifies operations: two with the same key are the same work.
  struct Key: Hashable {
    let operation: IsometryGraph.Operation
    let operands: [TensorType]
  }

  let key: Key

  /// nil for sources.
  init?(_ node: Node, of whole: Graph) {
    guard let family = node.operation.family else { return nil }
    self.family = family
    key = Key(operation: node.operation, operands: node.inputs.map { whole.type(of: $0) })
    var graph = Graph()
    var operands: [Value: Value] = [:]
    for (index, value) in node.inputs.enumerated() where operands[value] == nil {
      let type = whole.type(of: value)
      if case .input(let name, _) = whole.producer(of: value).operation {
        operands[value] = graph.input(name, type.shape, type.dtype)
      } else {
        operands[value] = graph.variable("operand \(index)", type.shape, type.dtype)
      }
    }
    let results = graph.append(node.operation, node.inputs.map { operands[$0]! })
    for (index, result) in results.enumerated() { graph.output("result \(index)", result) }
    self.graph = graph
    self.node = graph.nodes[graph.nodes.count - 1]
  }

  /// The product of two square matrices, y = a·b.
  init(squareProduct size: Int, _ dtype: DType) {
    var graph = Graph()
    let operands = ["a", "b"].map { graph.variable($0, [size, size], dtype) }
    graph.output("result 0", graph.matrixMultiply(operands[0], operands[1]))
    self.init(graph.nodes[2], of: graph)!
  }

  /// The type of most of the elements that the operation reads.
  var dtype: DType {
    key.operands.max { $0.byteCount < $1.byteCount }?.dtype ?? .float32
  }

  /// The sizes in words, the type and the operation's attributes. The sizes of a product are rows ×
  /// columns × inner, those of other operations are the operands' shapes. Operations on lists of tensors
  /// have the number of the tensors and of their elements.
  var shape: String {
    let attributes = key.operation.label.dropFirst(key.operation.name.count)
    return "\(sizes) \(dtype.rawValue)\(attributes)"
  }

  private var takesAnyWeights: Bool {
    switch key.operation {
    case .weightStandardization, .weightStandardizationGradient: true
    default: false
    }
  }

  private var sizes: String {
    func sizes(_ shape: Shape) -> String {
      shape.dimensions.map(String.init).joined(separator: "x")
    }
    let operands = key.operands
    if case .matrixMultiply(let product) = key.operation {
      let (batch, rows, columns, inner) = product.extents(
        operands[0].shape, operands[1].shape)
      let product = "\(rows)x\(columns)x\(inner)"
      return operands[0].shape.rank == 3 ? "\(batch)x\(product)" : product
    }
    if operands.count > 3, family == .optimizer || family == .reduction || takesAnyWeights {
      let count = operands.map(\.shape.elementCount).reduce(0, +)
      return "\(operands.count) tensors of \(count) elements"
    }
    var shapes = operands.filter { $0.shape.rank > 1 }.map(\.shape)
    if shapes.isEmpty { shapes = operands.map(\.shape) }
    if case .convolutionWeightGradient = key.operation {
      shapes += node.results.prefix(1).map { graph.shape(of: $0) }
    }
    return shapes.map(sizes).joined(separator: " ")
  }

  /// Gives variables random contents: normal numbers, and positive ones for vectors (variances).
  func writeVariables(to session: any Session) throws {
    var random = RandomStream(seed: 1)
    for (name, value) in graph.variables {
      let type = graph.type(of: value)
      let count = min(type.shape.elementCount, 1 << 16)
      let bytes: [UInt8]
      if type.dtype.isFloatingPoint {
        let numbers = random.normals(count).map { type.shape.rank > 1 ? $0 : 0.5 + abs($0) }
        bytes = HostTensor([count], numbers, as: type.dtype).bytes
      } else {
        bytes = [UInt8](repeating: 1, count: count * type.dtype.byteCount)
      }
      try session.write(Self.tensor(type, repeating: bytes), toVariable: name)
    }
  }

  /// Gives every input legal contents for its operation.
  func writeInputs(to slot: any StagingSlot) {
    var random = RandomStream(seed: 1)
    for (name, value) in graph.inputs {
      let target = slot.bytes(of: name)
      switch name {
      case StepNames.images:
        for index in target.indices { target[index] = UInt8(truncatingIfNeeded: index * 37) }
      case StepNames.labels:
        let classes = UInt32(CIFAR10.classNames.count)
        for label in 0..<graph.shape(of: value).elementCount {
          target.storeBytes(
            of: Int32(random.integer(below: classes)), toByteOffset: 4 * label, as: Int32.self)
        }
      case StepNames.schedule:
        // With such a small rate, random gradients hardly change the weights.
        target.storeBytes(of: 1e-6, toByteOffset: 0, as: Float.self)
        target.storeBytes(of: 1, toByteOffset: 4, as: Float.self)
      case StepNames.mixing: target.storeBytes(of: 0.5, as: Float.self)
      default: break
      }
    }
  }

  private static func tensor(_ type: TensorType, repeating bytes: [UInt8]) -> HostTensor {
    var all: [UInt8] = []
    all.reserveCapacity(type.byteCount)
    while all.count < type.byteCount { all += bytes.prefix(type.byteCount - all.count) }
    return HostTensor(type, bytes: all)
  }
}
