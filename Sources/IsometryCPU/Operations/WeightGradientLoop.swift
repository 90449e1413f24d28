internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// The division of the weight gradient of one convolution in bf16.
///
/// Images form groups, whose partial gradients are added up in order: as many as the shape needs to
/// keep 16 threads busy, whatever the machine has, so that the sums are the same everywhere.
private struct WeightGradientPlan {
  /// The loop for one part of the results and one piece of the images.
  enum Loop {
    /// For images in blocks of 16 channels, on pairs of blocks of results.
    case vectors
    /// For channels-last images, on tiles (AMX).
    case tiles
  }

  let loop: Loop
  let shape: vl_weight_gradient_shape
  let images: Int
  let resultBlocks: Int
  /// Blocks of results that threads take as one; the last may have fewer.
  private let pairs: Int
  let weightCount: Int
  let imagesPerGroup: Int
  let groups: Int
  /// Parts of the result channels that threads take; no sum crosses them.
  let parts: Int
  /// Images that are rearranged at a time.
  let chunk: Int
  /// Of each thread, in bytes.
  let workspace: Int

  /// nil if the loop does not apply or oneDNN is faster.
  init?(_ geometry: ConvolutionGeometry) {
    let (x, weight, result) = (geometry.x.shape, geometry.weight, geometry.result.shape)
    let convolution = geometry.convolution
    guard let loop = geometry.weightGradientLoop else { return nil }
    self.loop = loop
    shape = vl_weight_gradient_shape(
      channels: Int32(x[1]), height: Int32(x[2]), width: Int32(x[3]), results: Int32(weight[0]),
      out_height: Int32(result[2]), out_width: Int32(result[3]),
      stride_height: Int32(convolution.stride.height),
      stride_width: Int32(convolution.stride.width),
      padding_height: Int32(convolution.padding.height),
      padding_width: Int32(convolution.padding.width))
    images = x[0]
    resultBlocks = weight[0] / 16
    weightCount = weight.elementCount
    pairs = (resultBlocks + 1) / 2
    imagesPerGroup = (images + max(1, 16 / pairs) - 1) / max(1, 16 / pairs)
    groups = (images + imagesPerGroup - 1) / imagesPerGroup
    parts = min(pairs, (ThreadTeam.threadCount + groups - 1) / groups)
    let largest = min(resultBlocks, 2 * ((pairs + parts - 1) / parts))
    // Large weights should pass through the cache seldom, small workspaces should stay in it.
    let limit = max(512 << 10, min(2 << 20, weightCount * 4))
    var chunk = 1
    while chunk < imagesPerGroup,
      Self.workspace(loop, shape, images: 2 * chunk, blocks: largest) <= limit
    { chunk *= 2 }
    self.chunk = min(chunk, imagesPerGroup)
    workspace = Self.workspace(loop, shape, images: self.chunk, blocks: largest)
    if workspace == 0 { return nil }
  }

  /// The bytes that rearranging takes.
  private static func workspace(
    _ loop: Loop, _ shape: vl_weight_gradient_shape, images: Int, blocks: Int
  ) -> Int {
    withUnsafePointer(to: shape) {
      switch loop {
      case .vectors: Int(vl_weight_gradient_workspace($0, Int32(images), Int32(blocks)))
      case .tiles: Int(vl_tile_gradient_workspace($0, Int32(images), Int32(blocks)))
      }
    }
  }

  /// The blocks of results of one part.
  func blocks(ofPart part: Int) -> Range<Int> {
    2 * (pairs * part / parts)..<min(resultBlocks, 2 * (pairs * (part + 1) / parts))
  }

  /// Takes the sum of one group of images for one part of the results.
  func run(
    group: Int, part: Int, x: UnsafePointer<UInt16>, dy: UnsafePointer<UInt16>,
    workspace: UnsafeMutablePointer<UInt16>, dw: UnsafeMutablePointer<Float>
  ) {
    let blocks = blocks(ofPart: part)
    let last = min(images, (group + 1) * imagesPerGroup)
    let imageLength = Int(shape.channels * shape.height * shape.width)
    let pixels = Int(shape.out_height * shape.out_width)
    let target = dw + weightCount / resultBlocks * blocks.lowerBound
    for first in stride(from: group * imagesPerGroup, to: last, by: chunk) {
      let images = Int32(min(chunk, last - first))
      let accumulates: Int32 = first > group * imagesPerGroup ? 1 : 0
      let (x, dy) = (x + first * imageLength, dy + first * resultBlocks * 16 * pixels)
      withUnsafePointer(to: shape) {
        switch loop {
        case .vectors:
          vl_weight_gradient(
            $0, images, Int32(blocks.count), x, dy + blocks.lowerBound * 16 * pixels, accumulates,
            workspace, target)
        case .tiles:
          vl_tile_gradient(
            $0, images, Int32(blocks.count), x, dy + blocks.lowerBound * 16, accumulates,
            workspace, target)
        }
      }
    }
  }
}

extension ConvolutionGeometry {
  /// The package's loop for a weight gradient in bf16; nil if it has none.
  fileprivate var weightGradientLoop: WeightGradientPlan.Loop? {
    let stride = convolution.stride
    guard x.dtype == .bfloat16, weight[2] == 3, weight[3] == 3, stride.width <= 2,
      x.shape[1] % 16 == 0
    else { return nil }
    switch images.layout(of: x) {
    case .blocked(16): return weight[0] % 32 == 0 ? .vectors : nil
    case .channelsLast:
      let isPadded = convolution.padding.height == 1 && convolution.padding.width == 1
      return Processor.multipliesTiles && isPadded && stride.height <= 2 && weight[0] % 16 == 0
        ? .tiles : nil
    case .plain, .blocked, .native: return nil
    }
  }

  /// Whether the package computes the weight gradient on tiles.
  var suitsTileGradient: Bool { weightGradientLoop == .tiles }

  /// Whether the package's loops read or write the weights, in the layout `blockedWeightLayout`.
  var wantsBlockedWeights: Bool { suitsWinogradLoop || suitsTileGradient }
}

extension GraphLowering {
  /// Lowers a weight gradient to the package's loop if that is faster.
  ///
  /// - Returns: whether it did.
  func lowerWeightGradientLoop(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) -> Bool {
    guard let plan = WeightGradientPlan(geometry) else { return false }
    let layout = try geometry.blockedWeightLayout(.float32)
    guard self.layout(node.results[0]) == .native(layout) else { return false }
    let imageLayout = images.layout(of: geometry.x)
    let dy = try storage(node.inputs[0], as: imageLayout)
    let x = try storage(node.inputs[1], as: imageLayout)
    let result = makeResult(node.results[0]).storage
    scratchpad.reserve(ofEachThread: plan.workspace)
    let partials =
      plan.groups == 1 ? result : makeWorkspace(floats: plan.groups * plan.weightCount)
    emit(
      "convolutionWeightGradient", reads: [dy, x], writes: [partials],
      .pieces(plan.groups * plan.parts) { [scratchpad] pieces in
        let workspace = scratchpad.ofThisThread.assumingMemoryBound(to: UInt16.self)
        for piece in pieces {
          let group = piece / plan.parts
          plan.run(
            group: group, part: piece % plan.parts, x: x.elements(), dy: dy.elements(),
            workspace: workspace,
            dw: partials.elements(Float.self) + group * plan.weightCount)
        }
      })
    if plan.groups > 1 { emitSum(of: partials, plan.groups, plan.weightCount, into: result) }
    return true
  }

  /// Adds up tables of equal length, in order.
  func emitSum(of partials: Storage, _ groups: Int, _ length: Int, into result: Storage) {
    let pieceLength = 2048
    let count = (length + pieceLength - 1) / pieceLength
    emit(
      "convolutionWeightGradientTotal", reads: [partials], writes: [result],
      .pieces(count) { pieces in
        for piece in pieces {
          let first = piece * pieceLength
          let count = Int64(min(pieceLength, length - first))
          let table = partials.elements(Float.self) + first
          let target = result.elements(Float.self) + first
          vl_combine(VL_FLOAT32, VL_ADD, table, table + length, target, count)
          for group in stride(from: 2, to: groups, by: 1) {
            vl_combine(VL_FLOAT32, VL_ADD, target, table + group * length, target, count)
          }
        }
      })
  }
}
