import IsometryCore
import IsometryGraph

/// The division of an array [rows, channels]: vectors of channels along axis 0, blocks or spans of
/// rows along axis 1.
struct RowBlocks {
  let rows: Int
  let channels: Int
  let width: Int
  /// The width of the grid of a group's work-items, in vectors (kernels/common/tree.cl).
  let columns: Int
  /// Rows that stay in a cache while a group reads them.
  let blockRows: Int
  /// Rows that one work-item of a pointwise kernel computes.
  let itemRows = 4
  /// The most spans. Each of s groups adds s spans, in s² additions in total; these are fewer than
  /// the rows.
  let mostSpans: Int
  /// Rows of a span, in whole blocks. Spans are few, so each group can add all of them.
  let spanRows: Int
  /// `itemRows` of a kernel that first adds the spans.
  let itemRowsAfterSpans: Int

  init(_ type: TensorType) {
    let channels = type.shape[1]
    self.init(rows: type.shape.elementCount / channels, channels: channels, type.dtype)
  }

  init(rows: Int, channels: Int, _ dtype: DType) {
    self.rows = rows
    self.channels = channels
    width = Tuning.width(dtype, dividing: channels)
    columns = powerOfTwo(atMost: min(channels / width, 16))
    let gridRows = Tuning.groupSize / columns
    let rowBytes = channels * dtype.accumulator.byteCount
    blockRows = min(max(Tuning.bytesPerRowBlock / rowBytes, gridRows), rows)
    mostSpans = max(1, min(256, Int(Double(rows / 8).squareRoot())))
    let blocksOfSpan = quotientRoundedUp(quotientRoundedUp(rows, mostSpans), blockRows)
    spanRows = min(blocksOfSpan * blockRows, rows)
    itemRowsAfterSpans = quotientRoundedUp(spanRows, 2 * gridRows)
  }

  /// Blocks and spans of a reduction.
  var blocks: Int { quotientRoundedUp(rows, blockRows) }
  var spans: Int { quotientRoundedUp(rows, spanRows) }

  private var vectorGroups: Int { quotientRoundedUp(channels / width, columns) }

  /// Groups of a reduction by blocks and by spans.
  var blockGroups: [Int] { [vectorGroups, blocks] }
  var spanGroups: [Int] { [vectorGroups, spans] }

  /// Groups of a pointwise kernel.
  var itemGroups: [Int] { itemGroups(mergesSpans: false) }

  /// - Parameter mergesSpans: whether each group adds up spans first.
  func itemGroups(mergesSpans: Bool) -> [Int] {
    let itemRows = mergesSpans ? itemRowsAfterSpans : itemRows
    return [vectorGroups, quotientRoundedUp(rows, Tuning.groupSize / columns * itemRows)]
  }

  var defines: [String: Int] {
    ["WIDTH": width, "LOCAL_SIZE": Tuning.groupSize]
  }
}
