internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

/// The layout of every value of a graph.
///
/// Images have the layouts of `ImageLayouts`. Convolution weights, their gradients and their
/// optimizer slots share the layout that the forward convolution wants, so that an update is one pass
/// over packed memory. Momenta of orthogonal updates are matrices. Weights that are standardized unit by
/// unit are plain, and so are their gradients. Values that only pointwise operations connect share one
/// layout.
struct LayoutPlan {
  /// The group of each value, by `Value.index`.
  private let groups: [Int]
  private var chosen: [Int: Layout] = [:]
  private let graph: Graph
  private let images: ImageLayouts
  private let usesOwnConvolutions: Bool

  /// - Parameter fixed: layouts of variables that another session has already.
  init(
    _ graph: Graph, _ engine: OneDNNEngine, images: ImageLayouts, fixed: [String: Layout],
    usesOwnConvolutions: Bool
  ) throws(CPUError) {
    self.graph = graph
    self.images = images
    self.usesOwnConvolutions = usesOwnConvolutions
    groups = graph.layoutGroups { graph.shape(of: $0).rank == 4 ? graph.type(of: $0) : nil }
    for (name, value) in graph.variables {
      if let layout = fixed[name] { chosen[groups[value.index]] = layout }
    }
    try chooseWeights(engine)
  }

  /// The layout that the value is made in.
  subscript(value: Value) -> Layout {
    chosen[groups[value.index]] ?? images.layout(of: graph.type(of: value))
  }

  /// Lets convolutions choose for the values that are nothing but weights.
  private mutating func chooseWeights(_ engine: OneDNNEngine) throws(CPUError) {
    let imageValues = graph.nodes.flatMap(\.layoutRoles.images) + graph.inputs.map(\.value)
    let imageGroups = Set(imageValues.map { groups[$0.index] })
    func choose(_ value: Value, _ wish: () throws(CPUError) -> MemoryDescriptor) throws(CPUError) {
      let group = groups[value.index]
      guard chosen[group] == nil, !imageGroups.contains(group) else { return }
      let layout = try wish()
      // Loops over packed memory are loops over the elements. Padding and Winograd's transform take more.
      let isDense = layout.byteCount == graph.type(of: value).byteCount
      chosen[group] = isDense ? .native(layout) : .plain
    }
    // Only orthogonal updates read their momenta, which are matrices there.
    for node in graph.nodes {
      if case .orthogonalUpdate(let update, let count) = node.operation {
        for range in update.inputRanges(count: count) {
          let momentum = node.inputs[range.upperBound - 1]
          let group = groups[momentum.index]
          if chosen[group] == nil { chosen[group] = try .matrix(graph.type(of: momentum)) }
        }
      }
    }
    for node in graph.nodes {
      switch node.operation {
      case .weightStandardization(let standardization),
        .weightStandardizationGradient(let standardization):
        for weight in standardization.weights(of: node) { chosen[groups[weight.index]] = .plain }
      default: break
      }
    }
    for node in graph.nodes {
      if case .convolution(let convolution, let epilogue, nil) = node.operation {
        let geometry = ConvolutionGeometry(
          convolution: convolution, x: graph.type(of: node.inputs[0]),
          weight: graph.shape(of: node.inputs[1]),
          hasBias: epilogue.hasBias, images: images)
        try choose(node.inputs[1]) { () throws(CPUError) in
          usesOwnConvolutions && geometry.wantsBlockedWeights
            ? try geometry.blockedWeightLayout(geometry.x.dtype)
            : try geometry.forward(engine).layout(dnnl_query_weights_md)
        }
      }
    }
    for node in graph.nodes {
      if case .convolutionWeightGradient(let convolution, let shape, _, nil) = node.operation {
        let geometry = ConvolutionGeometry(
          convolution: convolution, x: graph.type(of: node.inputs[1]), weight: shape,
          hasBias: false, images: images)
        try choose(node.results[0]) { () throws(CPUError) in
          usesOwnConvolutions && geometry.wantsBlockedWeights
            ? try geometry.blockedWeightLayout(.float32)
            : try geometry.weightGradient(engine).layout(dnnl_query_diff_weights_md)
        }
      }
    }
  }
}
