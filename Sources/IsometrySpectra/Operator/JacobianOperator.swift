public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// The Jacobian J of a network at one image as an operator. It computes J·v and Jᵀ·u for many vectors
/// at once, on any backend, without storing J.
///
/// The network is in evaluation mode: Batch Normalization uses the fixed statistics of `evaluation`,
/// and rows of a batch are independent. A product costs about one forward pass per vector.
public final class JacobianOperator: JacobianProducts {
  /// The start and the end of J.
  public let section: JacobianSection
  /// The precision of vectors and products.
  public let precision: Precision
  /// n: elements of the section's start, for one image.
  public let inputCount: Int
  /// m, the number of elements at the section's end for one image.
  public let outputCount: Int
  /// The largest number of vectors of one step of the device. More vectors take several steps, and fewer
  /// take a smaller one.
  public let batch: Int
  /// The network's parameters and statistics.
  public let layout: NetworkLayout

  /// The session that evaluates the network at one image. Its graph has every parameter and statistic
  /// that the Jacobian depends on, under the same names.
  public let evaluation: any Session

  /// Called before each product on the device. If it throws, the measurement ends and the operator is
  /// unchanged.
  public var beforeProduct: () throws -> Void = {}

  private let network: any Network
  private let backend: any Backend
  /// The activations that produce the section's start and end; nil for other operations.
  let activations: (start: Activation?, end: Activation?)

  private let pointNames: [Linearization.Direction: [(name: String, output: String)]]
  private let imageShape: Shape
  private let slot: any StagingSlot
  private var knownProducts: [ProductKind: Product] = [:]
  private var hasPoints = false
  private var image: [Double] = []

  /// The largest memory, in bytes, of the points of all vectors of one step.
  public static let pointBytes = 64 << 20
  /// The largest batch. Larger steps were no faster on any tested device.
  public static let largestBatch = 512

  private struct ProductKind: Hashable {
    let direction: Linearization.Direction
    /// The number of vectors of a step.
    let batch: Int
  }

  private final class Product {
    let batch: Int
    let session: any Session
    let slot: any StagingSlot
    var isCurrent = false

    init(_ session: any Session, batch: Int) throws {
      self.batch = batch
      self.session = session
      slot = try session.makeStagingSlots(1)[0]
    }
  }

  /// Binds the graph of a section's Jacobian to a backend.
  ///
  /// - Parameters:
  ///   - section: the start and the end of the Jacobian.
  ///   - precision: of activations and tangents; fp64 is for the reference backend in Double.
  ///   - batch: vectors of one step; nil for as many as fit in `pointBytes`.
  ///   - session: a session of `backend` that has the network's parameters and statistics, such as that
  ///     of a training or evaluation graph. Its variables are used. nil for separate variables, which
  ///     `writeInitialState` or a checkpoint sets.
  /// - Throws: `SpectrumError.unsuitable` if the section is empty; `UnsupportedPrecision`, and the
  ///   backend's errors.
  public init(
    of network: any Network, _ section: JacobianSection = JacobianSection(),
    precision: Precision = .fp32, batch: Int? = nil, on backend: any Backend,
    sharing session: (any Session)? = nil
  ) throws {
    try backend.requireSupport(for: precision)
    self.network = network
    self.section = section
    self.precision = precision
    self.backend = backend
    var primal = Linearization.Primal(network, section, precision: precision.dtype, batch: 1)
    inputCount = primal.builder.graph.shape(of: primal.start).elementCount
    outputCount = primal.builder.graph.shape(of: primal.end).elementCount
    imageShape = network.batchShape(1)
    layout = primal.builder.layout
    activations = (
      primal.activation(producing: primal.start), primal.activation(producing: primal.end)
    )
    // The end is an output so that its layers stay in the graph, with their parameters.
    primal.builder.graph.output(Linearization.end, primal.end)
    var names: [Linearization.Direction: [(name: String, output: String)]] = [:]
    var outputs: [Value: String] = [primal.end: Linearization.end]
    if primal.start != primal.image, primal.start != primal.end {
      primal.builder.graph.output(Linearization.start, primal.start)
      outputs[primal.start] = Linearization.start
    }
    var pointBytes = 0
    for direction in [Linearization.Direction.forward, .reverse] {
      let single = try Linearization(
        of: network, section, direction, precision: precision.dtype, batch: 1)
      var bytes = 0
      for (_, value) in single.points {
        bytes += primal.builder.graph.type(of: value).byteCount
        guard outputs[value] == nil else { continue }
        outputs[value] = "point \(value.index)"
        primal.builder.graph.output("point \(value.index)", value)
      }
      names[direction] = single.points.map { ($0.name, outputs[$0.value]!) }
      pointBytes = max(pointBytes, bytes)
    }
    pointNames = names
    let fitting = Self.pointBytes / max(1, pointBytes)
    self.batch =
      batch
      ?? max(1, min(fitting, Self.largestBatch, min(inputCount, outputCount)))
    evaluation = try backend.makeSession(for: primal.builder.graph, sharing: session)
    slot = try evaluation.makeStagingSlots(1)[0]
  }

  /// Sets parameters and statistics to their state before the first step of training. Normalizations
  /// then have mean 0 and variance 1 and do nothing in evaluation mode; `measureStatistics` gives them
  /// those of a batch.
  ///
  /// - Throws: `InitializationError`, and the backend's errors.
  public func writeInitialState(initializer: any Initializer, seed: UInt64) throws {
    try layout.writeInitialState(to: evaluation, initializer: initializer, seed: seed)
    hasPoints = false
  }

  /// Sets the statistics of Batch Normalization to those of these images as one batch, layer by layer.
  /// They are the statistics of training mode, with the unbiased variances of evaluation. A network
  /// without Batch Normalization is unchanged.
  ///
  /// - Parameter images: C·H·W normalized numbers each. Pass several, because a perceptron's variances
  ///   are over images alone.
  /// - Throws: the backend's errors.
  public func measureStatistics(of images: [[Double]]) throws {
    guard network.normalization == .batch else { return }
    precondition(!images.isEmpty, "statistics are of an image or more")
    var builder = network.makeBuilder(precision: precision.dtype, mode: .training)
    let shape = network.batchShape(images.count)
    let x = builder.graph.input(Linearization.image, shape, precision.dtype)
    _ = network.append(x, to: &builder)
    builder.appendStatisticUpdates(momentum: 1)
    let session = try backend.makeSession(for: builder.graph, sharing: evaluation)
    try session.run([
      Linearization.image: HostTensor(shape, Array(images.joined()), as: precision.dtype)
    ])
    try session.synchronize()
    hasPoints = false
  }

  /// Moves the Jacobian to this image. Call it again after variables change.
  ///
  /// - Parameter image: C·H·W normalized numbers.
  /// - Returns: the network's value at the section's end, `outputCount` numbers.
  @discardableResult
  public func move(to image: [Double]) throws -> [Double] {
    precondition(image.count == imageShape.elementCount, "an image is \(imageShape)")
    HostTensor(imageShape, image, as: precision.dtype).withUnsafeBytes {
      slot.bytes(of: Linearization.image).copyMemory(from: $0)
    }
    try evaluation.step(from: slot)
    try evaluation.synchronize()
    for product in knownProducts.values { product.isCurrent = false }
    hasPoints = true
    self.image = image
    return try evaluation.read(output: Linearization.end).doubles
  }

  /// The values at the section's start and end for the last image.
  func values() throws -> (start: [Double], end: [Double]) {
    precondition(hasPoints, "an operator is moved to an image first")
    let isOutput = evaluation.graph.outputs.contains { $0.name == Linearization.start }
    return (
      isOutput ? try evaluation.read(output: Linearization.start).doubles : image,
      try evaluation.read(output: Linearization.end).doubles
    )
  }

  /// J·v for each row v.
  ///
  /// - Parameter vectors: rows of `inputCount` numbers.
  /// - Returns: as many rows of `outputCount` numbers.
  /// - Throws: `SpectrumError.unsuitable` if a product is not finite.
  public func forward(_ vectors: [Double]) throws -> [Double] {
    try products(.forward, vectors, from: inputCount, to: outputCount)
  }

  /// Jᵀ·u for each row u.
  ///
  /// - Parameter vectors: rows of `outputCount` numbers.
  /// - Returns: as many rows of `inputCount` numbers.
  /// - Throws: `SpectrumError.unsuitable` if a product is not finite.
  public func reverse(_ vectors: [Double]) throws -> [Double] {
    try products(.reverse, vectors, from: outputCount, to: inputCount)
  }

  private func products(
    _ direction: Linearization.Direction, _ vectors: [Double], from width: Int, to resultWidth: Int
  ) throws -> [Double] {
    precondition(vectors.count % width == 0, "vectors have \(width) elements")
    let count = vectors.count / width
    let product = try currentProduct(direction, of: count)
    var results: [Double] = []
    results.reserveCapacity(count * resultWidth)
    for first in stride(from: 0, to: count, by: product.batch) {
      try beforeProduct()
      let rows = min(product.batch, count - first)
      fill(product, vectors[first * width..<(first + rows) * width])
      try product.session.step(from: product.slot)
      try product.session.synchronize()
      let found = try product.session.read(output: Linearization.products).doubles
      results += found.prefix(rows * resultWidth)
    }
    guard results.allSatisfy(\.isFinite) else {
      throw SpectrumError.unsuitable(
        reason: "the Jacobian holds values that are not finite; take other weights or inputs")
    }
    return results
  }

  /// Writes vectors to the slot, with zeros if the batch is not full.
  private func fill(_ product: Product, _ vectors: ArraySlice<Double>) {
    let graph = product.session.graph
    guard let value = graph.source(named: Linearization.vectors) else {
      preconditionFailure("a product has vectors")
    }
    let bytes = product.slot.bytes(of: Linearization.vectors)
    let dtype = graph.type(of: value).dtype
    let packed = HostTensor([vectors.count], Array(vectors), as: dtype)
    packed.withUnsafeBytes { bytes.copyMemory(from: $0) }
    let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[packed.bytes.count...])
    rest.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// The session of a product of `count` vectors, with the points of the last image. Few vectors have a
  /// step of the next power of two, so that few graphs serve all numbers of vectors.
  private func currentProduct(
    _ direction: Linearization.Direction, of count: Int
  ) throws -> Product {
    precondition(hasPoints, "an operator is moved to an image first")
    let kind = ProductKind(direction: direction, batch: min(batch, powerOfTwo(atLeast: count)))
    let product: Product
    if let known = knownProducts[kind] {
      product = known
    } else {
      let linearization = try Linearization(
        of: network, section, direction, precision: precision.dtype, batch: kind.batch)
      let session = try backend.makeSession(for: linearization.product, sharing: evaluation)
      product = try Product(session, batch: kind.batch)
      knownProducts[kind] = product
    }
    if !product.isCurrent {
      try writePoints(direction, to: product)
      product.isCurrent = true
    }
    return product
  }

  private func writePoints(_ direction: Linearization.Direction, to product: Product) throws {
    let session = product.session
    for (name, output) in pointNames[direction] ?? [] {
      // A pass may have removed a point that nothing reads.
      guard let variable = session.graph.source(named: name) else { continue }
      let single = try evaluation.read(output: output)
      let shape = session.graph.shape(of: variable)
      var repeated: [UInt8] = []
      repeated.reserveCapacity(single.bytes.count * product.batch)
      for _ in 0..<product.batch { repeated += single.bytes }
      try session.write(
        HostTensor(TensorType(shape, single.dtype), bytes: repeated), toVariable: name)
    }
  }
}

private func powerOfTwo(atLeast number: Int) -> Int {
  number <= 1 ? 1 : 1 << (Int.bitWidth - (number - 1).leadingZeroBitCount)
}
