import IsometryCore

/// Who multiplies fragments in the kernels of common/matrix_unit.cl, and which.
struct MatrixUnits: Sendable, Hashable {
  enum Kind: String, Sendable {
    /// NVIDIA's tensor cores, through inline PTX.
    case tensorCores = "tensor cores"
    /// Plain OpenCL C with the same fragments, for checks on any device.
    case emulated
  }

  let kind: Kind
  /// The types of operands; those in fp32 are rounded to tf32. Sums are in fp32.
  var types: Set<DType> = [.bfloat16, .float16]

  static let tensorCores = MatrixUnits(kind: .tensorCores)
  static let emulated = MatrixUnits(kind: .emulated)

  var defines: [String: Int] { ["MATRIX_UNIT_EMULATED": kind == .emulated ? 1 : 0] }

  /// Divides the length of rows in memory, which are read 16 bytes at a time and written by 8 numbers.
  static let rowMultiple = 8

  static func canRead(rowsOf length: Int) -> Bool { length % rowMultiple == 0 }
}

/// The block of kernels/common/matrix_tile.cl: what one group of four warps computes of a product.
struct MatrixTile {
  let rows: Int
  let columns: Int
  /// Products of a slice.
  let inner: Int
  /// Slices in local memory: at most 48 KiB together.
  let stages: Int
  /// Of the four, side by side.
  let warpsAcross: Int
  /// Of the operands.
  let dtype: DType
  let units: MatrixUnits

  /// Work-items of a group.
  static let items = 128

  /// - Parameters:
  ///   - rows: of the result, as are `columns`.
  init(rows: Int, columns: Int, _ dtype: DType, _ tuning: Tuning, _ units: MatrixUnits) {
    // A block costs what it covers, and its operands' rims.
    func cost(_ block: Int) -> Int {
      quotientRoundedUp(columns, block) * (block + 16)
    }
    // Fragments of fp32 are loaded number by number, which leaves fewer registers for sums.
    let widths = dtype == .float32 ? [64, 32, 16] : [128, 64, 32, 16]
    let width = widths.min { cost($0) < cost($1) } ?? widths[0]
    // Low blocks where high ones would leave the device idle.
    let high = quotientRoundedUp(rows, 128) * quotientRoundedUp(columns, width)
    let isLow = rows <= 64 || high < tuning.wantedItems / (2 * Self.items)
    self.init(
      rows: isLow ? 64 : 128, columns: width, inner: Self.inner(dtype), stages: 3,
      warpsAcross: Self.warpsAcross(columns: width), dtype, units)
  }

  /// - Precondition: the sizes are legal in kernels/common/matrix_tile.cl.
  init(
    rows: Int, columns: Int, inner: Int, stages: Int, warpsAcross: Int, _ dtype: DType,
    _ units: MatrixUnits
  ) {
    self.rows = rows
    self.columns = columns
    self.inner = inner
    self.stages = stages
    self.warpsAcross = warpsAcross
    self.dtype = dtype
    self.units = units
  }

  /// Products that 64 bytes hold.
  static func inner(_ dtype: DType) -> Int { 64 / dtype.byteCount }

  /// Nearly square tiles of warps, whose operands are read the least often.
  static func warpsAcross(columns: Int) -> Int { columns >= 64 ? 2 : 1 }

  /// Blocks that cover a result.
  func blocks(rows: Int, columns: Int) -> Int {
    quotientRoundedUp(rows, self.rows) * quotientRoundedUp(columns, self.columns)
  }

  /// - Parameters:
  ///   - leftInnerLast: whether the products lie side by side in the left operand.
  ///   - rightInnerLast: the same for the right one.
  func variant(
    _ family: ProgramFamily, leftInnerLast: Bool, rightInnerLast: Bool
  ) -> ProgramVariant {
    let tile = [
      "WIDTH": 8, "BLOCK_ROWS": rows, "BLOCK_COLUMNS": columns, "BLOCK_INNER": inner,
      "WARP_ROWS": rows * warpsAcross / 4, "WARP_COLUMNS": columns / warpsAcross,
      "STAGES": stages, "LEFT_INNER_LAST": leftInnerLast ? 1 : 0,
      "RIGHT_INNER_LAST": rightInnerLast ? 1 : 0,
    ]
    return ProgramVariant(
      family, storage: dtype, tile.merging(units.defines) { tile, _ in tile })
  }
}
