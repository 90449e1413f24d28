#if OpenCL
  import IsometryCore
  import IsometryGraph

  /// Copies of variables that a step reads in another layout or type than they are kept in: 16-bit
  /// copies of masters, weights with their channels exchanged for input gradients. They are all made in
  /// one launch before everything else, for nothing writes a variable before the updates at the end.
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

    mutating func add(
      _ source: StorageID, _ sourceType: DType, to result: StorageID, _ resultType: DType,
      _ permutation: Permutation
    ) {
      copies.append(
        Copy(
          source: source, result: result, types: Types(source: sourceType, result: resultType),
          permutation: permutation.joiningAxes))
    }

    /// Adds the launches to a lowering: one for all copies between the same types and memories.
    func launch(in lowering: inout Lowering) {
      let isCPU = lowering.tuning.groupSize == 1
      // A piece's lines in both orders fit a CPU's innermost cache; a GPU reads whole 128-byte lines.
      let (local, tile) = isCPU ? (1, 16) : (256, 32)
      for group in grouped(copies, by: { [$0.types: lowering.slab(of: $0.source)] }) {
        let types = group[0].types
        let table = group.flatMap { Self.tiles(of: $0, tile) }
        lowering.launch(
          "prepare \(group.count) variables \(types.result.rawValue)",
          ProgramVariant(
            .prepare, storage: types.result,
            [
              "LOCAL_SIZE": local, "TILE": tile,
              "SOURCE_" + ProgramVariant.typeName(types.source): 1,
            ]),
          "prepare_variables",
          [.slab(of: group[0].source), .slab(of: group[0].result), .table(table)],
          groups: [table.count / Self.rowLength], local: [local],
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
#endif
