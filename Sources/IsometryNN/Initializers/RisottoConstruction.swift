internal import IsometryCore

/// The common part of `Risotto` and `RisottoLossless`: options, conditions, and the conversion of a
/// block's matrices to its weights.
struct RisottoConstruction: Sendable {
  enum Head: String, Sendable, CaseIterable {
    case mirrored, plain
  }

  static let conditions =
    "resnet models with ReLU, an even stem of 6 channels or more for RGB, even widths that do not "
    + "shrink; bottlenecks with convolutional skips"
  static let options = [
    InitializerOption("alpha", "a number other than 0 (default 1): the branches' multiplier"),
    InitializerOption("head", "mirrored (default) or plain"),
  ]

  let name: String
  let alpha: Double
  let head: Head

  init(name: String, _ options: InitializerOptions) throws(InitializationError) {
    self.name = name
    alpha = try options.number("alpha", expected: "a number other than 0") { $0 != 0 } ?? 1
    head = try options.choice("head") ?? .mirrored
  }

  func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.activation == .relu else {
      throw failure(
        "is exact for ReLU only, not for \(layout.activation.name)", "use \(.activation) relu")
    }
    guard let stem = layout.stem, stem.weight.role == .convolutionWeight, !layout.blocks.isEmpty,
      layout.blocks.allSatisfy({ $0.form == .activatedSum })
    else {
      throw failure(
        "is for residual networks of convolutions with an activation after each sum",
        "choose a resnet model")
    }
    guard stem.outputChannels >= 2 * stem.inputChannels, stem.outputChannels % 2 == 0 else {
      throw failure(
        "needs an even stem of \(2 * stem.inputChannels) channels or more, not \(stem.outputChannels)",
        "widen the first stage")
    }
    if alpha != 1, layout.blocks.contains(where: { $0.multiplier == nil }) {
      throw failure("needs learned multipliers for alpha=\(alpha)", "give the branches multipliers")
    }
    for block in layout.blocks { try check(block) }
  }

  private func check(_ block: NetworkLayout.Block) throws(InitializationError) {
    for layer in block.branch where layer.outputChannels % 2 != 0 {
      throw failure(
        "needs even numbers of channels, and \(layer.weight.name) is \(layer.weight.shape)",
        "choose even widths")
    }
    guard let input = block.branch.first?.inputChannels,
      let output = block.branch.last?.outputChannels
    else { throw failure("needs branches with layers", "choose a resnet model") }
    switch block.skip {
    case .projection:
      guard output >= input else {
        throw failure(
          """
          keeps every singular value only if the number of channels does not shrink, and block \
          \(block.index) reduces it from \(input) to \(output)
          """, "choose widths that do not shrink")
      }
    case .identity:
      guard block.branch.allSatisfy({ $0.outputChannels == input }) else {
        throw failure(
          """
          has no exact solution for an identity skip around a branch narrower than the block, as \
          in block \(block.index)
          """, "use \(.skip) convolution")
      }
    case .scaled:
      throw failure("has no form for a scaled skip", "choose a resnet model")
    }
  }

  private func failure(_ reason: Explanation, _ remedy: Explanation) -> InitializationError {
    .condition(initializer: name, reason: reason, remedy: remedy)
  }
}

extension RisottoConstruction {
  /// The weights of one network for one seed.
  ///
  /// - Precondition (of all methods): the network was checked.
  struct Weights {
    let construction: RisottoConstruction
    let seed: UInt64
    /// The matrices that do not depend on others, drawn in parallel.
    private let drawn: [Parameter: DenseMatrix]

    init(_ construction: RisottoConstruction, of layout: NetworkLayout, seed: UInt64) {
      self.construction = construction
      self.seed = seed
      let wanted = layout.blocks.flatMap { block -> [(weight: Parameter, columns: Int)] in
        guard case .projection(let skip) = block.skip else {
          return block.branch.suffix(1).map { ($0.weight, $0.inputChannels / 2) }
        }
        // The matrix of a skip that reads a window depends on the blocks before it.
        let window = skip.kernelSize
        return block.branch.map { ($0.weight, Self.columns(of: $0, window: window)) }
          + (window > 1 ? [] : [(skip.weight, skip.inputChannels / 2)])
      }
      let matrices = ParallelDrawing.map(wanted) {
        Self.haar($0.weight, rows: $0.weight.shape[0] / 2, columns: $0.columns, seed: seed)
      }
      drawn = Dictionary(uniqueKeysWithValues: zip(wanted.map(\.weight), matrices))
    }

    /// The columns of a branch's matrix. The layer with a window's stride reads all of its pixels.
    private static func columns(of layer: NetworkLayout.Layer, window: Int) -> Int {
      layer.inputChannels / 2 * (window > 1 && layer.stride == window ? window * window : 1)
    }

    /// Stores [U; −U] at the center tap.
    ///
    /// - Returns: U, whose columns are an orthonormal basis of the signals after the stem.
    @discardableResult
    func storeStem(of layout: NetworkLayout, _ store: ParameterStore) throws -> DenseMatrix {
      guard let stem = layout.stem else { preconditionFailure("the network was not checked") }
      let half = half(of: stem.weight, columns: stem.inputChannels)
      try store(stem.weight, half.stackedWithNegative.deltaKernel(size: stem.kernelSize))
      return half
    }

    func storeHead(of layout: NetworkLayout, _ store: ParameterStore) throws {
      guard let head = layout.head else { preconditionFailure("the network was not checked") }
      let isMirrored = construction.head == .mirrored
      let drawn = matrix(
        for: head.weight, rows: head.outputChannels,
        columns: head.inputChannels / (isMirrored ? 2 : 1))
      try store(head.weight, isMirrored ? drawn.besideNegative.elements : drawn.elements)
    }

    /// A Haar matrix M that maps the block's û to the next.
    func matrix(of block: NetworkLayout.Block) -> DenseMatrix {
      let weight: Parameter
      switch block.skip {
      case .projection(let skip): weight = skip.weight
      case .identity, .scaled: weight = block.branch[block.branch.count - 1].weight
      }
      return half(of: weight, columns: block.branch[0].inputChannels / 2)
    }

    /// Stores the weights with which the block maps û to `whole`·û.
    ///
    /// - Parameter window: the side of the square of pixels whose signals, side by side, `whole` acts
    ///   on.
    func store(
      _ block: NetworkLayout.Block, whole: DenseMatrix, window: Int, _ store: ParameterStore
    ) throws {
      if let multiplier = block.multiplier { try store(multiplier, [construction.alpha]) }
      switch block.skip {
      case .projection(let skip):
        try storeConvolutional(block, skip, whole: whole, window: window, store)
      case .identity: try storeIdentity(block, whole: whole, store)
      case .scaled: preconditionFailure("the network was not checked")
      }
    }

    /// Type C: the branch's product P, and a skip that completes α·P to the whole.
    private func storeConvolutional(
      _ block: NetworkLayout.Block, _ skip: NetworkLayout.Layer, whole: DenseMatrix, window: Int,
      _ store: ParameterStore
    ) throws {
      let pixels = window * window
      var product: DenseMatrix?
      for layer in block.branch {
        let gathers = window > 1 && layer.stride == window
        let half = half(of: layer.weight, columns: Self.columns(of: layer, window: window))
        try store(
          layer.weight,
          half.mirroredWindowKernel(window: gathers ? window : 1, size: layer.kernelSize))
        // Before the pixels are combined, each has a separate product.
        let before = gathers ? product?.repeatedAlongDiagonal(pixels) : product
        product = before.map { half * $0 } ?? half
      }
      let factor = block.multiplier == nil ? 1 : construction.alpha
      let rest = product.map { whole.adding(-factor, $0) } ?? whole
      try store(
        skip.weight, rest.mirroredWindowKernel(window: window, size: skip.kernelSize))
    }

    /// Type B: x is not negative, so identities and rectifiers leave it unchanged.
    private func storeIdentity(
      _ block: NetworkLayout.Block, whole: DenseMatrix, _ store: ParameterStore
    ) throws {
      for layer in block.branch.dropLast() {
        let identity = DenseMatrix.identity(layer.outputChannels)
        try store(layer.weight, identity.deltaKernel(size: layer.kernelSize))
      }
      let last = block.branch[block.branch.count - 1]
      var matrix = whole.mirrored
      for index in 0..<matrix.rows { matrix[index, index] -= 1 }
      let factor = block.multiplier == nil ? 1 : construction.alpha
      try store(
        last.weight, matrix.scaled(by: 1 / factor).deltaKernel(size: last.kernelSize))
    }

    /// A Haar matrix for half of the weight's output channels.
    private func half(of weight: Parameter, columns: Int) -> DenseMatrix {
      matrix(for: weight, rows: weight.shape[0] / 2, columns: columns)
    }

    private func matrix(for weight: Parameter, rows: Int, columns: Int) -> DenseMatrix {
      if let known = drawn[weight], known.rows == rows, known.columns == columns { return known }
      return Self.haar(weight, rows: rows, columns: columns, seed: seed)
    }

    private static func haar(
      _ weight: Parameter, rows: Int, columns: Int, seed: UInt64
    ) -> DenseMatrix {
      var random = weight.randomStream(seed: seed)
      return random.haarMatrix(rows: rows, columns: columns)
    }
  }
}
