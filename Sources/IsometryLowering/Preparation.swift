import IsometryCore
import IsometryGraph

/// Copies of variables that a step reads in another layout or type than they are kept in: 16-bit
/// copies of masters, and weights with their channels exchanged for input gradients. They are all made
/// in one launch before everything else, because nothing writes a variable before the updates at the end.
struct Preparations {
  private struct Copy {
    let source: StorageID
    let result: StorageID
    let types: Types
    let permutation: Permutation
  }

  private struct Types: Hashable {
    let source: DType
    let result: DType
  }

  private var copies: [Copy] = []
  /// Casts of variables, each with the variable.
  var casts: [Value: Value] = [:]

  mutating func add(
    _ source: StorageID, _ sourceType: DType, to result: StorageID, _ resultType: DType,
    _ permutation: Permutation
  ) {
    copies.append(
      Copy(
        source: source, result: result, types: Types(source: sourceType, result: resultType),
        permutation: permutation.joiningAxes))
  }

  /// The launches: one for all copies between the same types and memories.
  ///
  /// - Parameters:
  ///   - needed: the copies that a launch reads; no others are made.
  ///   - slab: the memory that a storage lies in.
  func launches(needed: Set<StorageID>, slab: (StorageID) -> Slab) -> [KernelLaunch] {
    let copies = copies.filter { needed.contains($0.result) }
    // A tile's lines are 128 bytes in both orders.
    let tile = 32
    return grouped(copies, by: { [$0.types: slab($0.source)] }).map { group in
      let types = group[0].types
      let table = group.flatMap { Self.tiles(of: $0, tile) }
      let defines = [
        "LOCAL_SIZE": Tuning.groupSize, "TILE": tile,
        "SOURCE_" + ProgramVariant.typeName(types.source): 1,
      ]
      return KernelLaunch(
        label: "prepare \(group.count) variables \(types.result.rawValue)",
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
  /// The variable of floating point that a value is, or is a cast of, where the current node may find
  /// it copied.
  func preparable(_ value: Value) -> Value? {
    let value = preparations.casts[value] ?? value
    guard case .variable = graph.producer(of: value).operation,
      graph.type(of: value).dtype.isFloatingPoint,
      graph.nodes[launches.position].operation.mutatedInputs.isEmpty
    else { return nil }
    return value
  }

  mutating func prepare(
    _ variable: Value, as result: StorageID, _ dtype: DType, _ layout: Layout
  ) {
    let home = values.home(of: variable)
    let type = graph.type(of: variable)
    preparations.add(
      home.storage, type.dtype, to: result, dtype,
      Permutation(of: type.shape, from: home.layout, to: layout))
  }

  /// Makes a result that is a variable in another type; false if that has to be a launch of its own.
  mutating func prepareCast(of value: Value, as result: Value) -> Bool {
    guard let variable = preparable(value), variable == value,
      graph.type(of: result).dtype.isFloatingPoint
    else { return false }
    let layout = values.commonLayout(of: result)
    preparations.casts[result] = variable
    prepare(variable, as: values.makeResult(result, layout), graph.type(of: result).dtype, layout)
    return true
  }

  /// Puts the copies of variables in front of all other launches, as part of the first variable's node.
  mutating func prepareVariables() {
    let needed = Set(
      launches.entries.flatMap(\.touched) + graph.outputs.map { values.home(of: $0.value).storage })
    let first =
      graph.nodes.firstIndex { if case .variable = $0.operation { true } else { false } } ?? 0
    let launches = preparations.launches(needed: needed, slab: values.slab)
    launch(before: 0, as: first) { lowering in
      for launch in launches { lowering.launch(launch) }
    }
  }
}
