import IsometryCore

/// Sums over the parts of an array that a later launch computes. Element c of the result is the sum
/// of the column first + c over all parts, in order.
struct PartialSum {
  let partial: StorageID
  let result: StorageID
  /// The type of the parts; the result has its accumulator's.
  let dtype: DType
  var first = 0
  let columns: Int
  /// The distance from one part to the next, in elements.
  let stride: Int
  let parts: Int

  /// The storage type of the program that adds all these parts; nil if no program handles all types.
  static func storage(of sums: [PartialSum]) -> DType? {
    let types = Set(sums.map(\.dtype))
    let wide = Set(types.map(\.accumulator))
    let narrow = types.subtracting(wide)
    return wide.count == 1 && narrow.count <= 1 ? narrow.first ?? wide.first : nil
  }
}

/// Partial sums that a launch adds beside its own work.
struct PartialSumTable {
  let sums: [PartialSum]
  private let words: [TableWord]

  /// The words of a row; kernels/common/partial_sums.cl describes them.
  private static let rowLength = 8

  /// - Parameters:
  ///   - sums: their types are the program's storage type and its accumulator.
  ///   - width: the elements of the kernel's vectors.
  ///   - items: the work-items of a group.
  init(_ sums: [PartialSum], width: Int, items: Int) {
    self.sums = sums
    words = sums.flatMap { sum -> [TableWord] in
      let wide = sum.dtype.accumulator
      let isWhole = [sum.first, sum.columns, sum.stride].allSatisfy { $0 % width == 0 }
      let atOnce = items * width
      let columns = quotientRoundedUp(Tuning.elementsPerGroup / sum.parts, atOnce) * atOnce
      return stride(from: 0, to: sum.columns, by: max(columns, atOnce)).flatMap { first in
        [
          TableWord.element(sum.partial, elementByteCount: sum.dtype.byteCount, plus: 0),
          .element(sum.result, elementByteCount: wide.byteCount, plus: 0),
          .number(sum.first + first),
          .number(first), .number(min(max(columns, atOnce), sum.columns - first)),
          .number(sum.stride), .number(sum.parts),
          .number((isWhole ? 1 : 0) + (sum.dtype == wide ? 0 : 2)),
        ]
      }
    }
  }

  var rows: Int { words.count / Self.rowLength }
  var slab: Argument { .slab(of: sums[0].partial) }
  var table: Argument { .table(words) }
  var reached: [StorageID] { sums.flatMap { [$0.partial, $0.result] } }
}

extension Lowering {
  /// Sums that a launch computes in `parts` parts; a single part is the result itself.
  ///
  /// The launch writes `partial`. The caller then calls `addUp`.
  mutating func splitSum(
    of result: StorageID, columns: Int, parts: Int, _ dtype: DType
  ) -> PartialSum {
    PartialSum(
      partial: parts == 1 ? result : values.makeWorkspace(parts * columns, dtype), result: result,
      dtype: dtype, columns: columns, stride: columns, parts: parts)
  }

  /// Schedules the reduction of the parts that the last launch computed. The next launch that takes
  /// partial sums adds them, otherwise a separate launch, always before the result is read.
  mutating func addUp(_ sum: PartialSum) {
    guard sum.partial != sum.result else { return }
    precondition(
      values.slab(of: sum.partial) == .arena && values.slab(of: sum.result) == .arena,
      "partial sums and their results lie in the arena")
    reductions.add(sum, index: launches.entries.count, node: launches.position)
  }

  /// A launch that also adds the pending partial sums, in additional groups after its own.
  mutating func launchWithPartialSums(
    _ label: String, _ variant: ProgramVariant, _ kernel: String, _ arguments: [Argument],
    groups: [Int], local: [Int]
  ) {
    guard let width = variant.defines["WIDTH"].flatMap({ Int($0) }) else {
      preconditionFailure("\(kernel) adds up partial sums in vectors")
    }
    let launches = launches
    let sums = reductions.takeSums { sum in
      [variant.storage, variant.accumulator].contains(sum.dtype)
        && !launches.touch(sum.result, from: sum.index)
    }.map(\.sum)
    let table = PartialSumTable(sums, width: width, items: local.reduce(1, *))
    // Without sums the kernel reads neither slab nor table.
    let places = sums.isEmpty ? [arguments[0], arguments[0]] : [table.slab, table.table]
    // A further place on the longest axis makes the fewest groups.
    let axis = groups[0] < groups[1] ? 1 : 0
    let first = groups[axis]
    var groups = groups
    groups[axis] += quotientRoundedUp(table.rows, groups.reduce(1, *) / first)
    launch(
      label, variant, kernel,
      arguments + places + [.integer(table.rows), .integer(first), .integer(axis)],
      groups: groups, local: local, reached: table.reached)
  }

  /// Adds the remaining partial sums. Sums whose results are read later share a launch.
  mutating func launchPartialSums() {
    let lifetimes = planSoFar().lifetimes
    var batches: [[DeferredReductions.Sum]] = []
    // A result without a reader is not computed.
    for sum in reductions.takeSums(where: { lifetimes[$0.result] != nil }) {
      let joins = batches.last.map { batch in
        PartialSum.storage(of: (batch + [sum]).map(\.sum)) != nil
          && batch.allSatisfy { (lifetimes[$0.sum.result]?.lowerBound ?? 0) >= sum.index }
      }
      if joins == true {
        batches[batches.count - 1].append(sum)
      } else {
        batches.append([sum])
      }
    }
    for batch in batches.reversed() {
      guard let last = batch.last else { continue }
      launch(before: last.index, as: last.node) { $0.launch(batch.map(\.sum)) }
    }
  }

  private mutating func launch(_ sums: [PartialSum]) {
    guard let storage = PartialSum.storage(of: sums) else {
      preconditionFailure("partial sums of one launch are of one program's types")
    }
    let width = Tuning.width(storage)
    let table = PartialSumTable(sums, width: width, items: Tuning.groupSize)
    launch(
      "partialSums \(sums.count)",
      ProgramVariant(
        .channelReduction, storage: storage,
        ["WIDTH": width, "LOCAL_SIZE": Tuning.groupSize]),
      "reduction_partial_sums", [table.slab, table.table], groups: [table.rows],
      local: [Tuning.groupSize], reached: table.reached)
  }
}
