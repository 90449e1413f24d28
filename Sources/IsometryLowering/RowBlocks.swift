import IsometryCore
import IsometryGraph

/// How an array [rows, channels] is shared out: vectors of channels along axis 0, blocks or spans of
/// rows along axis 1.
struct RowBlocks {
  let rows: Int
  let channels: Int
  let width: Int
  /// Vectors that the grid of a group's work-items has side by side (kernels/common/tree.cl).
  let columns: Int
  /// Rows that stay in a cache while a group walks over them.
  let blockRows: Int
  /// Rows that one work-item of a pointwise kernel makes.
  let itemRows = 4
  /// Adding up s spans in each of s groups takes s² steps; this s keeps them below the array's rows.
  let mostSpans: Int
  /// Rows of a span: whole blocks, so many that spans are few and each group of a kernel that follows
  /// can add them all up.
  let spanRows: Int
  /// The same as `itemRows` for a kernel that adds up spans first.
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
