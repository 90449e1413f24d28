internal import CLAPACK
public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// The Jacobian of a network's inner value with respect to one image, as a dense matrix.
public struct Jacobian: Sendable {
  /// How it is taken: both give the same matrix.
  public enum Mode: Sendable, CaseIterable {
    /// A column for each element of the image: J·v.
    case forward
    /// A row for each element of the value: Jᵀ·u.
    case reverse
  }

  /// Elements of the value.
  public let rows: Int
  /// Elements of the image.
  public let columns: Int
  /// Row-major.
  public let elements: [Double]

  public subscript(row: Int, column: Int) -> Double { elements[row * columns + column] }

  /// Takes the Jacobian in one step: the batch is one image over and over, each with a unit vector of
  /// its own. The network is in evaluation mode, so that rows of a batch do not see each other.
  ///
  /// - Parameters:
  ///   - value: what of the network; the features before pooling unless said otherwise.
  ///   - image: C·H·W numbers.
  ///   - precision: of activations and tangents.
  public init(
    of network: some Network, at image: [Double], initializer: any Initializer, seed: UInt64,
    precision: DType, on subject: BackendUnderTest, mode: Mode = .forward,
    value: (NetworkValues) -> Value = { $0.features }
  ) throws {
    let inputs = network.imageShape.elementCount
    func values(_ count: Int) -> (NetworkBuilder, x: Value, y: Value) {
      var builder = network.makeBuilder(precision: precision, mode: .evaluation)
      let x = builder.graph.input("x", network.batchShape(count), precision)
      let y = value(network.append(x, to: &builder))
      return (builder, x, y)
    }
    let single = values(1)
    let outputs = single.0.graph.shape(of: single.y).elementCount
    let count = mode == .forward ? inputs : outputs
    var (builder, x, y) = values(count)
    let direction = builder.graph.input(
      "direction", builder.graph.shape(of: mode == .forward ? x : y), precision)
    let product: Value?
    switch mode {
    case .forward:
      product = builder.graph.tangents(of: [y], along: [x: direction])[0]
    case .reverse:
      product = builder.graph.gradients(seeds: [(y, direction)], withRespectTo: [x])[0]
    }
    guard let product else { preconditionFailure("the value does not depend on the image") }
    builder.graph.output("product", product)

    let session = try subject.makeSession(for: builder.graph)
    try builder.layout.writeInitialState(to: session, initializer: initializer, seed: seed)
    var directions = [Double](repeating: 0, count: count * count)
    for index in 0..<count { directions[index * count + index] = 1 }
    try session.run([
      "x": HostTensor(
        network.batchShape(count), (0..<count).flatMap { _ in image }, as: precision),
      "direction": HostTensor(
        builder.graph.shape(of: direction), directions, as: precision),
    ])
    let products = try session.read(output: "product").doubles
    rows = outputs
    columns = inputs
    switch mode {
    case .reverse: elements = products
    case .forward:
      elements = (0..<outputs * inputs).map { products[$0 % inputs * outputs + $0 / inputs] }
    }
  }

  /// All min(rows, columns) of them, the largest first.
  public var singularValues: [Double] {
    var matrix = elements
    var values = [Double](repeating: 0, count: min(rows, columns))
    let (m, n) = (Int32(columns), Int32(rows))
    // Row-major rows × columns is column-major columns × rows: the transpose, with the same values.
    let status = LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), m, n, &matrix, m, &values, nil, 1, nil, 1)
    precondition(status == 0, "dgesdd: \(status)")
    return values
  }
}
