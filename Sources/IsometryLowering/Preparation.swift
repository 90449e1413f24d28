import IsometryCore
import IsometryGraph

/// Copies of weights that a step reads in another layout or type than they are made in: 16-bit
/// copies of masters, and weights with their channels exchanged for input gradients. Those of variables are
/// all made in one launch before everything else, because nothing writes a variable before the updates at
/// the end. Those of standardized weights follow in one launch after the standardization.
struct Preparations {
  private struct Copy {
    let source: StorageID
    let result: StorageID
    let types: Types
    let permutation: Permutation
    /// The position of the standardization that made the source; nil for a variable.
    let node: Int?
  }

  private struct Types: Hashable {
    let source: DType
    let result: DType
  }

  private var copies: [Copy] = []
  /// Casts of variables and standardized weights, each with its source.
  var casts: [Value: Value] = [:]
  /// The standardizations whose results are copied.
  var nodes: Set<Int> { Set(copies.compactMap(\.node)) }

  mutating func add(
    _ source: StorageID, _ sourceType: DType, to result: StorageID, _ resultType: DType,
    _ permutation: Permutation, after node: Int?
  ) {
    copies.append(
      Copy(
        source: source, result: result, types: Types(source: sourceType, result: resultType),
        permutation: permutation.joiningAxes, node: node))
  }

  /// The launches: one for all copies between the same types and memories.
  ///
  /// - Parameters:
  ///   - node: the standardization that made the sources; nil for variables.
  ///   - needed: the copies that a launch reads; no others are made.
  ///   - slab: the memory that a storage lies in.
  func launches(
    after node: Int?, needed: Set<StorageID>, slab: (StorageID) -> Slab
  ) -> [KernelLaunch] {
    let copies = copies.filter { $0.node == node && needed.contains($0.result) }
    // A tile's lines are 128 bytes in both orders.
    let tile = 32
    let kind = node == nil ? "variables" : "standardized weights"
    return grouped(copies, by: { [$0.types: slab($0.source)] }).map { group in
      let types = group[0].types
      let table = group.flatMap { Self.tiles(of: $0, tile) }
      let defines = [
        "LOCAL_SIZE": Tuning.groupSize, "TILE": tile,
        "SOURCE_" + ProgramVariant.typeName(types.source): 1,
      ]
      return KernelLaunch(
        label: "prepare \(group.count) \(kind) \(types.result.rawValue)",
        variant: ProgramVariant(.prepare, storage: types.result, defines),
        kernel: "prepare_variables",
        arguments: [.slab(of: group[0].source), .slab(of: group[0].result), .table(table)],
        groups: [table.count / Self.rowLength], local: [Tuning.groupSize],
        reached: group.flatMap { [$0.source, $0.result] })
    }
  }

  private static let rowLength = 10

  /// The rows that kernels/pointwise/prepare.cl describes.
  private static func tiles(of copy: Copy, _ tile: Int) -> [TableWord] {
    let (extents, strides) = (copy.permutation.extents, copy.permutation.strides)
    let source = TableWord.element(
      copy.source, elementByteCount: copy.types.source.byteCount, plus: 0)
    let result = TableWord.element(
      copy.result, elementByteCount: copy.types.result.byteCount, plus: 0)
    var words: [TableWord] = []
    for outer in 0..<extents[0] * extents[1] {
      let (first, second) = (outer / extents[1], outer % extents[1])
      for row in stride(from: 0, to: extents[2], by: tile) {
        for column in stride(from: 0, to: extents[3], by: tile) {
          words += [
            source, result, .number(first * strides[0] + second * strides[1]),
            .number(outer * extents[2] * extents[3]), .number(row), .number(column),
            .number(extents[2]), .number(extents[3]), .number(strides[2]), .number(strides[3]),
          ]
        }
      }
    }
    return words
  }
}

extension Lowering {
  /// The variable of floating point, or the standardized weight, that a value is or is a cast of, where
  /// the current node may find it copied.
  func preparable(_ value: Value) -> Value? {
    let value = preparations.casts[value] ?? value
    guard graph.type(of: value).dtype.isFloatingPoint,
      graph.nodes[launches.position].operation.mutatedInputs.isEmpty
    else { return nil }
    switch graph.producer(of: value).operation {
    case .variable, .weightStandardization: return value
    default: return nil
    }
  }

  /// - Parameter source: a value that `preparable` returned.
  mutating func prepare(
    _ source: Value, as result: StorageID, _ dtype: DType, _ layout: Layout
  ) {
    let home = values.home(of: source)
    let type = graph.type(of: source)
    var node: Int?
    if case .weightStandardization = graph.producer(of: source).operation {
      node = graph.producers[source.index]
    }
    preparations.add(
      home.storage, type.dtype, to: result, dtype,
      Permutation(of: type.shape, from: home.layout, to: layout), after: node)
  }

  /// Makes a result that is a weight in another type; false if that has to be a launch of its own.
  mutating func prepareCast(of value: Value, as result: Value) -> Bool {
    guard let source = preparable(value), source == value,
      graph.type(of: result).dtype.isFloatingPoint
    else { return false }
    let layout = values.commonLayout(of: result)
    preparations.casts[result] = source
    prepare(source, as: values.makeResult(result, layout), graph.type(of: result).dtype, layout)
    return true
  }

  /// Puts the copies of standardized weights after the launches of their standardization, and those of
  /// variables in front of all other launches, as part of the first variable's node.
  mutating func launchPreparations() {
    let needed = Set(
      launches.entries.flatMap(\.touched) + graph.outputs.map { values.home(of: $0.value).storage })
    func insert(_ copies: [KernelLaunch], before index: Int, as node: Int) {
      launch(before: index, as: node) { lowering in
        for launch in copies { lowering.launch(launch) }
      }
    }
    for node in preparations.nodes.sorted() {
      guard let last = launches.nodes.lastIndex(of: node) else { continue }
      insert(
        preparations.launches(after: node, needed: needed, slab: values.slab), before: last + 1,
        as: node)
    }
    let first =
      graph.nodes.firstIndex { if case .variable = $0.operation { true } else { false } } ?? 0
    insert(
      preparations.launches(after: nil, needed: needed, slab: values.slab), before: 0, as: first)
  }
}
