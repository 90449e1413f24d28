internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// The division of a weight gradient by Winograd's algorithm.
///
/// Channels and results form units, whose transformed sums stay in a core's second-level cache; images
/// form groups, whose gradients are added up in order. Both depend on the shape alone, so that the sums
/// are the same whatever the number of threads.
private struct WinogradGradientPlan {
  /// Of 16 channels or results, in a unit.
  static let blocksPerUnit = 4
  /// Of units and groups, which threads take.
  static let wantedPieces = 16
  /// Of a group, so that what is done once for each is little beside them.
  static let leastTiles = 64

  let images: Int
  let channelBlocks: Int
  let resultBlocks: Int
  let groups: Int
  private let channelUnits: Int
  private let resultUnits: Int

  init(_ geometry: ConvolutionGeometry) {
    images = geometry.x.shape[0]
    channelBlocks = geometry.weight[1] / 16
    resultBlocks = geometry.weight[0] / 16
    channelUnits = (channelBlocks + Self.blocksPerUnit - 1) / Self.blocksPerUnit
    resultUnits = (resultBlocks + Self.blocksPerUnit - 1) / Self.blocksPerUnit
    groups = max(
      1,
      min(
        Self.wantedPieces / (channelUnits * resultUnits), geometry.winogradTiles / Self.leastTiles,
        images))
  }

  var pieces: Int { channelUnits * resultUnits * groups }

  func group(of piece: Int) -> Int { piece / (channelUnits * resultUnits) }

  func images(of piece: Int) -> Range<Int> {
    let group = group(of: piece)
    return part(group, of: groups, images)
  }

  func channels(of piece: Int) -> Range<Int> {
    part(piece % channelUnits, of: channelUnits, channelBlocks)
  }

  func results(of piece: Int) -> Range<Int> {
    part(piece / channelUnits % resultUnits, of: resultUnits, resultBlocks)
  }

  private func part(_ index: Int, of units: Int, _ blocks: Int) -> Range<Int> {
    blocks * index / units..<blocks * (index + 1) / units
  }

  /// The bytes that a thread needs.
  var workspace: Int {
    4
      * Int(
        vl_winograd_gradient_workspace(
          Int32(min(Self.blocksPerUnit, channelBlocks)),
          Int32(min(Self.blocksPerUnit, resultBlocks)))
      )
  }
}

extension GraphLowering {
  func lowerWinogradWeightGradient(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) {
    let dy = try place(node.inputs[0], as: .blocked(16))
    let x = try place(node.inputs[1], as: .blocked(16))
    let made = makeResult(node.results[0])
    let layout = Layout.native(try geometry.blockedWeightLayout(.float32))
    let packed = StoredValue(
      type: made.type, layout: layout,
      storage: made.layout == layout ? made.storage : Storage(byteCount: made.type.byteCount))
    let plan = WinogradGradientPlan(geometry)
    let shape = geometry.winogradShape
    let block = 16 * geometry.x.shape.elementCount(from: 2)
    let weightCount = geometry.weight.elementCount
    let perBlock = weightCount / (plan.channelBlocks * plan.resultBlocks)
    scratchpad.reserve(ofEachThread: plan.workspace)
    let partials =
      plan.groups == 1 ? packed.storage : makeWorkspace(floats: plan.groups * weightCount)
    emit(
      "convolutionWeightGradient", variant: "Winograd loop", reads: [x.storage, dy.storage],
      writes: [partials],
      .pieces(plan.pieces) { [scratchpad] pieces in
        let space = scratchpad.ofThisThread.assumingMemoryBound(to: Float.self)
        withUnsafePointer(to: shape) {
          for piece in pieces {
            let images = plan.images(of: piece)
            let (channels, results) = (plan.channels(of: piece), plan.results(of: piece))
            let (xLength, dyLength) = (plan.channelBlocks * block, plan.resultBlocks * block)
            let first = (
              x: images.lowerBound * xLength + channels.lowerBound * block,
              dy: images.lowerBound * dyLength + results.lowerBound * block,
              dw: (results.lowerBound * plan.channelBlocks + channels.lowerBound) * perBlock
            )
            vl_winograd_gradient(
              x.loops, $0, Int32(channels.count), Int32(results.count), Int64(images.count),
              x.bytes(from: first.x), Int64(xLength), dy.bytes(from: first.dy), Int64(dyLength),
              space,
              partials.elements() + plan.group(of: piece) * weightCount + first.dw,
              Int64(plan.channelBlocks * perBlock))
          }
        }
      })
    if plan.groups > 1 { emitSum(of: partials, plan.groups, weightCount, into: packed.storage) }
    if packed.storage !== made.storage { try convert(packed, to: made, "reorder") }
  }
}
