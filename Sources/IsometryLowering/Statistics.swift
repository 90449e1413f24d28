import IsometryCore
import IsometryGraph

/// The division of a convolution's pixels among the groups that store their statistics:
/// `lines` lines of `width` pixels, in parts of `partLines` of those by `partWidth` pixels of each. Parts
/// along the same lines follow each other.
struct StatisticsParts {
  let lines: Int
  let width: Int
  let partLines: Int
  let partWidth: Int
  /// The arguments behind their storage, of the kernel that stores them.
  var arguments: [Argument] = []

  /// Parts along a line, and from line to line.
  var across: Int { quotientRoundedUp(width, partWidth) }
  var down: Int { quotientRoundedUp(lines, partLines) }
}

/// Mean and sum of squared deviations of each channel of an image's pixels, by parts of them:
/// accumulator [parts, 2, channels].
struct PartialStatistics {
  /// The type of the images.
  let type: TensorType
  /// The values that the launch which merges all parts makes.
  let mean: Value
  let variance: Value
  let storage: StorageID
  let parts: StatisticsParts
}

/// The same by spans of `rows` pixels, few enough for the launch that normalizes.
struct SpanStatistics {
  let storage: StorageID
  let rows: Int
}

extension Operation {
  /// Whether the operation's launch merges statistics that it reads itself.
  var takesPendingStatistics: Bool {
    if case .frozenNormalization = self { return true }
    if case .normalizationFactor = self { return true }
    return false
  }
}

extension Lowering {
  /// Room for the statistics that a convolution's launch stores by parts beside its result.
  mutating func makeStatistics(of node: Node, _ parts: StatisticsParts) -> StorageID {
    let type = graph.type(of: node.results[0])
    let storage = values.makeWorkspace(
      2 * parts.down * parts.across * type.shape[1], type.dtype.accumulator)
    reductions.add(
      PartialStatistics(
        type: type, mean: node.results[1], variance: node.results[2], storage: storage,
        parts: parts))
    return storage
  }

  /// The statistics of a convolution's result by spans of rows, for the launch that merges them. That
  /// launch must make mean and variance.
  ///
  /// - Returns: nil if another launch has made them.
  mutating func takeStatistics(
    variance: Value
  ) -> (statistics: PartialStatistics, spans: SpanStatistics)? {
    reductions.takeStatistics(variance).map { ($0, spanStatistics(of: $0)) }
  }

  /// Makes mean and variance of a convolution's result if `value` is one of them and no launch has made
  /// them yet.
  mutating func mergeStatistics(of value: Value) {
    guard let pending = reductions.pendingStatistics(value) else { return }
    let channels = pending.type.shape[1]
    let wide = pending.type.dtype.accumulator
    launchNormalizationFactor(
      variance: pending.variance, scale: values.zeros(channels, wide),
      factor: values.makeWorkspace(channels, wide), Normalization())
  }

  /// Statistics of an array by spans of rows, from a launch of their own.
  ///
  /// - Parameter x: images with channels last.
  mutating func spanStatistics(_ x: StorageID, _ type: TensorType) -> SpanStatistics {
    let rows = RowBlocks(type)
    let spans = makeSpans(rows.spans, type)
    launch(
      "batchNormalization statistics \(type)", normalizationVariant(type, rows, mergesSpans: true),
      "normalization_statistics",
      [
        .storage(x), .storage(spans), .integer(rows.rows), .integer(rows.channels),
        .integer(rows.spanRows), .integer(rows.blockRows), .integer(rows.columns),
      ], groups: rows.spanGroups, local: [Tuning.groupSize])
    return SpanStatistics(storage: spans, rows: rows.spanRows)
  }

  /// The same from parts: as they are if they are few, else merged by a launch.
  private mutating func spanStatistics(of partial: PartialStatistics) -> SpanStatistics {
    let rows = RowBlocks(partial.type)
    let parts = partial.parts
    // Twice the spans that would be chosen cost less than a launch.
    if parts.across == 1, parts.down <= 2 * rows.mostSpans {
      return SpanStatistics(storage: partial.storage, rows: parts.partLines * parts.width)
    }
    let down = quotientRoundedUp(parts.down, rows.mostSpans)
    let count = quotientRoundedUp(parts.down, down)
    let spans = makeSpans(count, partial.type)
    launch(
      "batchNormalization merges \(parts.down * parts.across)x\(rows.channels) statistics",
      normalizationVariant(partial.type, rows, mergesSpans: true),
      "normalization_merge_statistics",
      [
        .storage(partial.storage), .storage(spans), .integer(parts.lines), .integer(parts.width),
        .integer(rows.channels), .integer(parts.partLines), .integer(parts.partWidth),
        .integer(down * parts.across), .integer(rows.columns),
      ], groups: [rows.spanGroups[0], count], local: [Tuning.groupSize])
    return SpanStatistics(storage: spans, rows: down * parts.partLines * parts.width)
  }

  private mutating func makeSpans(_ count: Int, _ type: TensorType) -> StorageID {
    values.makeWorkspace(2 * count * type.shape[1], type.dtype.accumulator)
  }
}
