import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct MatrixMultiplyTests {
  /// Rows, columns, inner extent: around the edges of tiles of 8, 16, 32 and 64, primes, and ones.
  static let extents: [(Int, Int, Int)] = [
    (1, 1, 1), (1, 10, 64), (2, 3, 5), (5, 1, 17), (7, 9, 8), (8, 8, 8), (15, 17, 16), (16, 16, 15),
    (17, 33, 31), (31, 5, 33), (32, 32, 32), (33, 64, 1), (63, 65, 64), (64, 10, 65), (65, 63, 7),
    (128, 130, 129), (3, 257, 40),
  ]

  /// Types differ in how elements are read and written; extents matter in one of them.
  private static func extents(of precision: DType) -> [(Int, Int, Int)] {
    precision == .float32
      ? extents : [(1, 10, 64), (7, 9, 8), (16, 16, 15), (33, 64, 1), (65, 63, 7)]
  }

  @Test(arguments: BackendUnderTest.withEveryProduct)
  func products(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (index, (rows, columns, inner)) in Self.extents(of: precision).enumerated() {
        // All forms of some extents, one form of each of the others.
        let forms = [(false, false), (false, true), (true, false), (true, true)]
        for (left, right) in index % 4 == 3 ? forms : [forms[index % 4]] {
          let name = "\(rows)×\(columns)×\(inner) \(left ? "ᵀ" : "") \(right ? "ᵀ" : "")"
          let a = experiment.input("a \(name)", left ? [inner, rows] : [rows, inner])
          let b = experiment.input("b \(name)", right ? [columns, inner] : [inner, columns])
          let product = MatrixMultiply(transposeLeft: left, transposeRight: right)
          experiment.compare(
            name, experiment.graph.appendOne(.matrixMultiply(product), a, b), reduction: inner)
          guard precision != .float32 else { continue }
          let wide = MatrixMultiply(
            transposeLeft: left, transposeRight: right, resultType: .float32)
          experiment.compare(
            "\(name) wide", experiment.graph.appendOne(.matrixMultiply(wide), a, b),
            reduction: inner)
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// Extents at the edges of the tiles that the kernels use, and primes: 1, tile − 1, tile, tile + 1 for
  /// rows of 8 and 16 and for vectors of 4 to 32.
  static let edges = [1, 3, 4, 8, 9, 15, 16, 33, 61]

  /// OpenBLAS is the yardstick, which shares nothing with the package.
  @Test(arguments: BackendUnderTest.withEveryProduct.filter { !$0.isFusing })
  func productsAreOpenBLASs(subject: BackendUnderTest) throws {
    var random = RandomStream(seed: 3)
    var graph = Graph()
    var inputs: [String: HostTensor] = [:]
    var expected: [(name: String, elements: [Float], inner: Int)] = []
    for (number, rows) in Self.edges.enumerated() {
      for (turn, columns) in Self.edges.enumerated() {
        let inner = Self.edges[(2 * number + 3 * turn) % Self.edges.count]
        // Each pair of extents in one of the four forms; neighbors have the other three.
        let (left, right) = ((number + turn / 2) % 2 == 1, turn % 2 == 1)
        let name = "\(rows)×\(columns)×\(inner)\(left ? " aᵀ" : "")\(right ? " bᵀ" : "")"
        let a = random.normals(rows * inner).map { Float($0) }
        let b = random.normals(inner * columns).map { Float($0) }
        let (aShape, bShape): (Shape, Shape) = (
          left ? [inner, rows] : [rows, inner], right ? [columns, inner] : [inner, columns]
        )
        inputs["a \(name)"] = HostTensor(aShape, a)
        inputs["b \(name)"] = HostTensor(bShape, b)
        let product = MatrixMultiply(transposeLeft: left, transposeRight: right)
        let y = graph.appendOne(
          .matrixMultiply(product), graph.input("a \(name)", aShape),
          graph.input("b \(name)", bShape))
        graph.output(name, y)
        let library = libraryProduct(
          a, transposed: left, b, transposed: right, rows: rows, columns: columns, inner: inner)
        expected.append((name, library, inner))
      }
    }
    let session = try subject.backend.makeSession(for: graph)
    try session.run(inputs)
    for (name, elements, inner) in expected {
      let found = try session.read(output: name).doubles
      // Both sides have rounding errors.
      let disagreement = Tolerance(.float32, reduction: 4 * inner)
        .disagreement(found, elements.map { Double($0) })
      #expect(disagreement == nil, "\(subject), \(name): \(disagreement ?? "")")
    }
  }

  /// A dense layer with everything that can be fused behind it, and all its gradients.
  @Test(arguments: BackendUnderTest.withEveryProduct)
  func denseLayers(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      for (index, (rows, columns, inner)) in Self.extents(of: precision).enumerated() {
        let name = "\(rows)×\(columns)×\(inner)"
        // Sums of products of quarters are exact, so that no rounding moves an element across the
        // kink of ReLU; tanh has none, and is kept out of saturation.
        let isExact = index % 2 == 0
        let contents: Experiment.Contents = isExact ? .quarters : .normal(deviation: 0.5)
        let x = experiment.input("x \(name)", [rows, inner], nil, contents)
        let deviation = 1 / Double(inner).squareRoot()
        let weight = experiment.variable(
          "weight \(name)", [columns, inner], nil,
          isExact ? .quarters : .normal(deviation: deviation))
        let bias = experiment.variable("bias \(name)", [columns], nil, contents)
        let residual = experiment.input("residual \(name)", [rows, columns], nil, contents)
        let dy = experiment.input("dy \(name)", [rows, columns], nil, contents)
        let kernel = experiment.graph.cast(weight, to: precision)
        var y = experiment.graph.biasAdd(experiment.graph.dense(x, weight: kernel), bias)
        if isExact { y = experiment.graph.add(y, residual) }
        y = experiment.graph.activation(y, isExact ? .relu : .tanh)
        let gradients = experiment.graph.gradients(
          seeds: [(y, dy)], withRespectTo: [x, weight, bias])
        experiment.compare(
          name, y, Tolerance(precision, reduction: inner, roundings: 4))
        for (gradient, (what, count)) in zip(
          gradients, [("dx", columns), ("dweight", rows), ("dbias", rows)])
        {
          experiment.compare(
            "\(what) \(name)", gradient!,
            Tolerance(precision, reduction: count + inner, roundings: 6))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
