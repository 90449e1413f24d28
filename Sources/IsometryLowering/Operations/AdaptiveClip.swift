import IsometryCore
import IsometryGraph

/// Neighboring units of one parameter, which a group clips.
private struct UnitStrip {
  /// Parameter, gradient and result.
  let storages: [StorageID]
  let first: Int
  let length: Int
  let stride: Int
  let count: Int
  let columns: Int

  /// The row that kernels/optimizer/adaptive_clip.cl describes.
  func words(elementByteCount size: Int) -> [TableWord] {
    storages.map { .element($0, elementByteCount: size, plus: 0) }
      + [first, length, stride, count, columns].map { .number($0) }
  }
}

extension Lowering {
  /// Units that a group takes if they lie side by side: their elements fill a line of memory.
  private static let unitsPerStrip = 16

  mutating func lowerAdaptiveClip(_ node: Node, _ clip: AdaptiveClip) {
    let dtype = graph.type(of: node.results[0]).dtype
    let scale =
      clip.hasGradientScale ? operand(node.inputs[0]) : values.makeConstant([1], dtype)
    var strips: [UnitStrip] = []
    for (position, value) in node.results.enumerated() {
      let result = values.makeResult(value)
      let layout = values.home(of: value).layout
      let pair = node.inputs[(clip.headerCount + 2 * position)...].prefix(2)
      let storages = pair.map { operand($0, layout) } + [result]
      let units = AdaptiveClip.units(of: graph.shape(of: value))
      let areApart = units.count == 1 || layout.axes(rank: graph.shape(of: value).rank)[0] == 0
      precondition(
        areApart || layout.axes(rank: graph.shape(of: value).rank).last == 0,
        "a gradient's units are its rows or its columns")
      let atOnce = areApart ? 1 : Self.unitsPerStrip
      for unit in stride(from: 0, to: units.count, by: atOnce) {
        strips.append(
          UnitStrip(
            storages: storages, first: areApart ? unit * units.length : unit,
            length: units.length, stride: areApart ? 1 : units.count,
            count: min(atOnce, units.count - unit), columns: atOnce))
      }
    }
    for group in grouped(strips, by: { $0.storages.map { values.slab(of: $0) } }) {
      let storages = group[0].storages
      launch(
        "\(node.operation.name) \(node.results.count)",
        ProgramVariant(.adaptiveClip, storage: dtype, ["LOCAL_SIZE": Tuning.groupSize]),
        "adaptive_clip",
        [
          .slab(of: storages[0]), .slab(of: storages[1]), .slab(of: storages[2]),
          .table(group.flatMap { $0.words(elementByteCount: dtype.byteCount) }),
          .storage(scale), .number(clip.share), .number(AdaptiveClip.epsilon),
        ],
        groups: [group.count], local: [Tuning.groupSize], reached: group.flatMap(\.storages))
    }
  }
}
