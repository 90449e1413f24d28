import IsometryCore
import IsometryGraph
import TestSupport
import Testing

/// The kernels for matrix units against the reference, on every OpenCL device: where PTX is not taken,
/// with its emulation, which has the same fragments.
@Suite(.serialized) struct MatrixUnitTests {
  /// Rows, columns, inner extent: multiples of 8 and sizes around the edges of blocks of 16, 64 and 128
  /// and of slices of 32. Rows of memory have to be whole chunks of 8.
  static let extents: [(Int, Int, Int)] = [
    (8, 8, 8), (1, 16, 24), (63, 24, 32), (65, 72, 40), (129, 136, 104), (200, 64, 33),
    (72, 128, 1),
  ]

  @Test(arguments: BackendUnderTest.withMatrixUnits, [DType.bfloat16, .float16])
  func products(subject: BackendUnderTest, precision: DType) throws {
    var experiment = Experiment(seed: 1, precision: precision)
    // Every order of operands around two edges in bf16 and around one in fp16; other extents take turns.
    let orders = [(false, false), (false, true), (true, false), (true, true)]
    for (index, (rows, columns, inner)) in Self.extents.enumerated() {
      let isThorough = index == 3 || index == 4 && precision == .bfloat16
      guard isThorough || precision == .bfloat16 else { continue }
      for (left, right) in isThorough ? orders : [orders[index % 4]] {
        let name = "\(rows)×\(columns)×\(inner) \(left ? "ᵀ" : "") \(right ? "ᵀ" : "")"
        let a = experiment.input("a \(name)", left ? [inner, rows] : [rows, inner])
        let b = experiment.input("b \(name)", right ? [columns, inner] : [inner, columns])
        let type: DType? = rows % 2 == 0 ? .float32 : nil
        let product = MatrixMultiply(
          transposeLeft: left, transposeRight: right, resultType: type)
        experiment.compare(
          name, experiment.graph.appendOne(.matrixMultiply(product), a, b), reduction: inner)
      }
    }
    for (left, right) in orders {
      let name = "3 products \(left ? "ᵀ" : "") \(right ? "ᵀ" : "")"
      let a = experiment.input("a \(name)", left ? [3, 40, 72] : [3, 72, 40])
      let b = experiment.input("b \(name)", right ? [3, 136, 40] : [3, 40, 136])
      let residual = experiment.input("residual \(name)", [3, 72, 136])
      let product = experiment.graph.matrixMultiply(
        a, b, transposeLeft: left, transposeRight: right)
      experiment.compare(
        name, experiment.graph.add(product, residual),
        Tolerance(precision, reduction: 40, roundings: 2))
    }
    try expectAgreement(experiment, on: subject)
  }

  /// A dense layer with everything that can be fused behind it, and all its gradients.
  @Test(arguments: BackendUnderTest.withMatrixUnits)
  func denseLayers(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 2, precision: .bfloat16)
    for (rows, columns, inner) in [(72, 40, 24), (33, 64, 136)] {
      let name = "\(rows)×\(columns)×\(inner)"
      let x = experiment.input("x \(name)", [rows, inner], nil, .normal(deviation: 0.5))
      let weight = experiment.variable(
        "weight \(name)", [columns, inner], nil,
        .normal(deviation: 1 / Double(inner).squareRoot()))
      let bias = experiment.variable("bias \(name)", [columns], nil, .normal(deviation: 0.5))
      let residual = experiment.input("residual \(name)", [rows, columns])
      let dy = experiment.input("dy \(name)", [rows, columns])
      let kernel = experiment.graph.cast(weight, to: .bfloat16)
      var y = experiment.graph.biasAdd(experiment.graph.dense(x, weight: kernel), bias)
      y = experiment.graph.activation(experiment.graph.add(y, residual), .tanh)
      let gradients = experiment.graph.gradients(
        seeds: [(y, dy)], withRespectTo: [x, weight, bias])
      experiment.compare(name, y, Tolerance(.bfloat16, reduction: inner, roundings: 4))
      for (gradient, (what, count)) in zip(
        gradients, [("dx", columns), ("dweight", rows), ("dbias", rows)])
      {
        experiment.compare(
          "\(what) \(name)", gradient!,
          Tolerance(.bfloat16, reduction: count + inner, roundings: 6))
      }
    }
    try expectAgreement(experiment, on: subject)
  }

  struct Geometry {
    let x: Shape
    let weight: Shape
    let stride: Convolution.Pair
    let padding: Convolution.Pair

    init(_ x: Shape, _ weight: Shape, _ stride: (Int, Int), _ padding: (Int, Int)) {
      self.x = x
      self.weight = weight
      self.stride = .init(stride.0, stride.1)
      self.padding = .init(padding.0, padding.1)
    }
  }

  static let geometries = [
    Geometry([2, 16, 9, 9], [16, 16, 3, 3], (1, 1), (1, 1)),
    Geometry([2, 8, 7, 5], [24, 8, 3, 3], (2, 2), (1, 1)),
    // Strides and padding that differ, taps that some classes of pixels never see, images of one pixel.
    Geometry([1, 16, 9, 6], [40, 16, 2, 3], (2, 3), (0, 1)),
    Geometry([2, 40, 6, 11], [8, 40, 2, 5], (1, 3), (1, 4)),
    Geometry([2, 16, 8, 8], [32, 16, 1, 1], (2, 2), (0, 0)),
    Geometry([5, 24, 1, 1], [16, 24, 3, 3], (1, 1), (1, 1)),
    // Padding wider than the window, and columns that nobody reads.
    Geometry([1, 8, 3, 2], [8, 8, 2, 3], (3, 2), (7, 4)),
    Geometry([1, 8, 8, 10], [16, 8, 3, 3], (3, 3), (0, 0)),
    // Slices over two taps, blocks of every width, and a weight gradient in parts.
    Geometry([3, 72, 9, 9], [40, 72, 3, 3], (1, 1), (1, 1)),
    Geometry([2, 64, 8, 8], [136, 64, 3, 3], (1, 1), (1, 1)),
    Geometry([8, 16, 20, 20], [32, 16, 3, 3], (2, 2), (1, 1)),
  ]

  /// Layers with what is fused behind them, forward and backward: `kind` chooses a bias, a residual and an
  /// activation. One kind has every geometry, the others some blocks and strides.
  @Test(arguments: BackendUnderTest.withMatrixUnits, [0, 1, 2])
  func convolutions(subject: BackendUnderTest, kind: Int) throws {
    let precision: DType = kind == 2 ? .float16 : .bfloat16
    var experiment = Experiment(seed: 3, precision: precision)
    for (index, geometry) in Self.geometries.enumerated() where kind == 0 || index % 4 == 1 {
      let name = "\(index)"
      let convolution = Convolution(stride: geometry.stride, padding: geometry.padding)
      let result = convolution.resultShape(input: geometry.x, weight: geometry.weight)!
      let inner = geometry.weight.elementCount(from: 1)
      let sites = result.elementCount / result[1]
      // Sums of products of quarters are exact, so that no rounding moves one across ReLU's kink.
      let contents: Experiment.Contents = kind == 0 ? .quarters : .normal(deviation: 0.5)
      let deviation = 1 / Double(inner).squareRoot()
      let x = experiment.input("x \(name)", geometry.x, nil, contents)
      let weight = experiment.variable(
        "weight \(name)", geometry.weight, nil,
        kind == 0 ? .quarters : .normal(deviation: deviation))
      let dy = experiment.input("dy \(name)", result, nil, contents)
      let before = experiment.graph.activation(x, kind == 0 ? .relu : .tanh)
      var y = experiment.graph.convolve(
        before, with: experiment.graph.cast(weight, to: precision), convolution)
      var targets = [(x, "dx", geometry.weight[0] * inner), (weight, "dweight", sites)]
      if kind != 1 {
        let bias = experiment.variable("bias \(name)", [result[1]], nil, contents)
        y = experiment.graph.biasAdd(y, bias)
        targets.append((bias, "dbias", sites))
      }
      if kind == 0 {
        y = experiment.graph.add(y, experiment.input("residual \(name)", result, nil, contents))
        y = experiment.graph.activation(y, .relu)
      }
      let gradients = experiment.graph.gradients(
        seeds: [(y, dy)], withRespectTo: targets.map { $0.0 })
      experiment.compare("y \(name)", y, Tolerance(precision, reduction: inner, roundings: 4))
      for (gradient, target) in zip(gradients, targets) {
        experiment.compare(
          "\(target.1) \(name)", gradient!,
          Tolerance(precision, reduction: target.2 + inner, roundings: 6))
      }
    }
    try expectAgreement(experiment, on: subject)
  }

  /// A NaN reaches the results that it has a part in, and no others.
  @Test(arguments: BackendUnderTest.withMatrixUnits)
  func notANumberStaysInItsPlace(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 4, precision: .bfloat16)
    func contents(_ count: Int, _ place: Int) -> Experiment.Contents {
      var elements = experiment.draw(.normal(), count)
      elements[place] = .nan
      return .given(elements)
    }
    let a = experiment.input("a", [9, 24], nil, contents(9 * 24, 40))
    let b = experiment.input("b", [24, 16])
    experiment.compare("product", experiment.graph.matrixMultiply(a, b), reduction: 24)
    let x = experiment.input("x", [2, 16, 6, 6], nil, contents(2 * 16 * 36, 700))
    let weight = experiment.input("weight", [16, 16, 3, 3])
    let y = experiment.graph.convolve(x, with: weight, Convolution(padding: .init(1)))
    experiment.compare("convolution", y, reduction: 144)
    try expectAgreement(experiment, on: subject)
  }

  @Test(arguments: BackendUnderTest.withMatrixUnits)
  func theSameStepGivesTheSameBits(subject: BackendUnderTest) throws {
    var random = RandomStream(seed: 5)
    var graph = Graph()
    let shapes: [(String, Shape)] = [
      ("x", [8, 16, 20, 20]), ("w", [32, 16, 3, 3]), ("dy", [8, 32, 10, 10]),
    ]
    let values = shapes.map { graph.input($0.0, $0.1, .bfloat16) }
    let inputs = Dictionary(
      uniqueKeysWithValues: shapes.map {
        ($0.0, HostTensor($0.1, random.normals($0.1.elementCount), as: .bfloat16))
      })
    let y = graph.convolve(values[0], with: values[1], stride: 2, padding: 1)
    graph.output("y", y)
    let gradients = graph.gradients(seeds: [(y, values[2])], withRespectTo: [values[0], values[1]])
    for (name, gradient) in zip(["dx", "dw"], gradients) { graph.output(name, gradient!) }
    let session = try subject.makeSession(for: graph)
    var found: [[HostTensor]] = []
    for _ in 0..<2 {
      try session.run(inputs)
      found.append(try graph.outputs.map { try session.read(output: $0.name) })
    }
    #expect(found[0] == found[1])
  }
}
