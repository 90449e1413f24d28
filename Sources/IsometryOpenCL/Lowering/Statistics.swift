import IsometryCore
import IsometryGraph

/// Mean and sum of squared deviations of each channel of an image's pixels, by parts of them:
/// accumulator [parts, 2, channels].
///
/// The pixels are `lines` lines of `width`; a part is `partLines` of those by `partWidth` pixels of
/// each. Parts along the same lines follow each other.
struct PartialStatistics {
  let storage: StorageID
  let lines: Int
  let width: Int
  let partLines: Int
  let partWidth: Int

  /// Parts along a line, and from line to line.
  var across: Int { quotientRoundedUp(width, partWidth) }
  var down: Int { quotientRoundedUp(lines, partLines) }
}

/// The same by spans of `rows` pixels, few enough for the launch that normalizes.
struct SpanStatistics {
  let storage: StorageID
  let rows: Int
}

extension Lowering {
  /// Whether an operation normalizes a value by its own statistics.
  func isNormalized(_ value: Value) -> Bool {
    readers(of: value).contains { reader in
      switch reader.operation {
      case .batchNormalization, .batchNormalizationStatistics: reader.inputs[0] == value
      default: false
      }
    }
  }

  /// Room for the statistics that the launch which makes an image stores beside it.
  mutating func makeStatistics(
    of image: Value, lines: Int, width: Int, partLines: Int, partWidth: Int
  ) -> PartialStatistics {
    let type = graph.type(of: image)
    let parts = quotientRoundedUp(lines, partLines) * quotientRoundedUp(width, partWidth)
    let statistics = PartialStatistics(
      storage: makeWorkspace(2 * parts * type.shape[1], type.dtype.accumulator), lines: lines,
      width: width, partLines: partLines, partWidth: partWidth)
    partialStatistics[image] = statistics
    return statistics
  }

  /// Statistics of an array by spans of rows: those that came with it where they are few enough, a
  /// merge of them where they are not, else what a launch of their own finds.
  ///
  /// - Parameter x: the storage of `value`.
  mutating func spanStatistics(
    of value: Value, _ x: StorageID, _ rows: RowBlocks
  ) -> SpanStatistics {
    let type = graph.type(of: value)
    let variant = ProgramVariant(.statistics, storage: type.dtype, rows.defines)
    func makeSpans(_ count: Int) -> StorageID {
      makeWorkspace(2 * count * rows.channels, type.dtype.accumulator)
    }
    guard let parts = partialStatistics[value] else {
      let spans = makeSpans(rows.spans)
      launch(
        "batchNormalization statistics \(type)", variant, "normalization_statistics",
        [
          .storage(x), .storage(spans), .integer(rows.rows), .integer(rows.channels),
          .integer(rows.spanRows), .integer(rows.blockRows),
        ], groups: rows.spanGroups, local: rows.local)
      return SpanStatistics(storage: spans, rows: rows.spanRows)
    }
    // Twice the spans that would be chosen cost less than a launch.
    if parts.across == 1, parts.down <= 2 * rows.mostSpans {
      return SpanStatistics(storage: parts.storage, rows: parts.partLines * parts.width)
    }
    let down = quotientRoundedUp(parts.down, rows.mostSpans)
    let count = quotientRoundedUp(parts.down, down)
    let spans = makeSpans(count)
    launch(
      "batchNormalization merges \(parts.down * parts.across)x\(rows.channels) statistics",
      variant, "normalization_merge_statistics",
      [
        .storage(parts.storage), .storage(spans), .integer(parts.lines), .integer(parts.width),
        .integer(rows.channels), .integer(parts.partLines), .integer(parts.partWidth),
        .integer(down * parts.across),
      ], groups: [rows.spanGroups[0], count], local: rows.local)
    return SpanStatistics(storage: spans, rows: down * parts.partLines * parts.width)
  }
}
