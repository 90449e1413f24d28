internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN

/// A network as a linear map around one image, in two graphs.
///
/// The tangents and gradients that `Autodiff` appends are linear in their inputs. They also use values
/// of the network, such as an activation's result or a maximum's position, which the image determines.
/// These values, the points, are computed once with a batch of one image. The product's graph has them
/// as variables, one copy per vector. A product with B vectors therefore costs B passes, not 2·B, and
/// keeps no activations except the points.
struct Linearization {
  static let image = "image"
  static let vectors = "vectors"
  static let products = "products"
  static let start = "start"
  static let end = "end"

  enum Direction: Hashable {
    /// J·v
    case forward
    /// Jᵀ·u
    case reverse
  }

  /// The network up to the section's end as a graph of `batch` images.
  struct Primal {
    var builder: NetworkBuilder
    let values: NetworkValues
    let image: Value
    let start: Value
    let end: Value

    init(_ network: any Network, _ section: JacobianSection, precision: DType, batch: Int) {
      builder = network.makeBuilder(precision: precision, mode: .evaluation)
      image = builder.graph.input(Linearization.image, network.batchShape(batch), precision)
      values = network.append(image, to: &builder)
      start = section.startValue(image: image, values)
      end = section.endValue(values)
    }

    /// The activation whose result the value is; nil for results of other operations.
    func activation(producing value: Value) -> Activation? {
      guard case .activation(let activation) = builder.graph.producer(of: value).operation else {
        return nil
      }
      return activation
    }
  }

  /// The graph from `vectors` [batch, …] to `products` [batch, …], with the points as variables.
  let product: Graph
  /// The points as values of the primal graph, with the names of the product's variables.
  let points: [(name: String, value: Value)]

  /// - Throws: `SpectrumError.unsuitable` if the section's end does not depend on its start.
  init(
    of network: any Network, _ section: JacobianSection, _ direction: Direction, precision: DType,
    batch: Int
  ) throws(SpectrumError) {
    let primal = Primal(network, section, precision: precision, batch: batch)
    var graph = primal.builder.graph
    let boundary = graph.nodes.count
    let seeded = direction == .forward ? primal.start : primal.end
    let vectors = graph.input(
      Self.vectors, graph.shape(of: seeded), graph.type(of: seeded).dtype)
    let result =
      switch direction {
      case .forward: graph.tangents(of: [primal.end], along: [primal.start: vectors])[0]
      case .reverse:
        graph.gradients(seeds: [(primal.end, vectors)], withRespectTo: [primal.start])[0]
      }
    guard let result, primal.start != primal.end else {
      throw .unsuitable(
        reason: "the network has no layer from \(section); take the Jacobian from the input")
    }
    (product, points) = Self.extract(
      result, from: graph, boundary: boundary, image: primal.image)
  }

  /// The part of a graph that `result` needs. Every value before `boundary` that depends on the image
  /// becomes a variable.
  private static func extract(
    _ result: Value, from graph: Graph, boundary: Int, image: Value
  ) -> (Graph, [(name: String, value: Value)]) {
    var dependents: Set<Value> = [image]
    for node in graph.nodes[..<boundary] where node.inputs.contains(where: dependents.contains) {
      dependents.formUnion(node.results)
    }
    var needed: Set<Value> = [result]
    var copied = [Bool](repeating: false, count: graph.nodes.count)
    for position in graph.nodes.indices.reversed() {
      let node = graph.nodes[position]
      guard node.results.contains(where: needed.contains) else { continue }
      if position < boundary, node.results.contains(where: dependents.contains) { continue }
      copied[position] = true
      needed.formUnion(node.inputs)
    }
    var new = Graph()
    var mapping: [Value: Value] = [:]
    var points: [(name: String, value: Value)] = []
    for (position, node) in graph.nodes.enumerated() {
      if copied[position] {
        let results = new.append(copyOf: node.operation, node.inputs.map { mapping[$0]! })
        for (old, value) in zip(node.results, results) { mapping[old] = value }
        continue
      }
      for value in node.results where needed.contains(value) && dependents.contains(value) {
        let name = "points.\(points.count)"
        let type = graph.type(of: value)
        mapping[value] = new.variable(name, type.shape, type.dtype)
        points.append((name, value))
      }
    }
    new.output(products, mapping[result]!)
    return (new, points)
  }
}
