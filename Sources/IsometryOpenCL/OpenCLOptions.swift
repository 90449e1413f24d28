package import IsometryGraph

/// Who computes matrix products.
public enum GemmProvider: String, Sendable, CaseIterable {
  /// The package's own kernels.
  case own
  /// CLBlast, for products in fp32 and fp64; the others stay with the package.
  case clblast
}

/// Whether products and convolutions in 16 bits run on the device's matrix units.
public enum MatrixUnitUse: String, Sendable, CaseIterable {
  /// Where the device has them and their kernels build and pass a check.
  case auto
  /// Never: portable kernels alone.
  case off
  /// The kernels for matrix units, with plain OpenCL C in their place: slow, on any device, for checks.
  case emulated
}

/// What the surroundings decide about an OpenCL backend. The environment is read at the program's
/// edge and handed in here.
public struct OpenCLOptions: Sendable {
  /// Where compiled programs are kept between runs; nil keeps none.
  public var cacheDirectory: String?
  /// A folder laid out like kernels/ that is read instead of the embedded text; nil for that text.
  public var kernelDirectory: String?
  /// Who computes matrix products.
  public var gemmProvider: GemmProvider
  /// Whether matrix units are used.
  public var matrixUnits: MatrixUnitUse
  /// Whether matrix units, where they are used, take operands in fp32 too, which they round to tf32:
  /// to 10 bits behind the point in place of 23.
  public var allowsTF32 = false
  /// Whether convolutions normalize what they load, in the types that matrix units multiply: normalized
  /// tensors are then never stored.
  public var usesPrologues = true
  /// Whether a step's launches are recorded once and enqueued together where the device can do that.
  public var recordsLaunches: Bool
  /// Whether programs that are compiled are kept in `cacheDirectory`, which takes some drivers as long
  /// as compiling.
  package var keepsPrograms = true
  /// Tiles that were measured on a device with that key; asked once, when the device is opened.
  package var tiles: @Sendable (TileKey) -> TileTable = { _ in TileTable() }
  /// Called with a line for people where the device does less than it should.
  public var warn: @Sendable (String) -> Void

  /// Without arguments: no cache, the embedded kernels alone, warnings for nobody.
  public init(
    cacheDirectory: String? = nil, kernelDirectory: String? = nil,
    gemmProvider: GemmProvider = .own, matrixUnits: MatrixUnitUse = .auto,
    recordsLaunches: Bool = true,
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.cacheDirectory = cacheDirectory
    self.kernelDirectory = kernelDirectory
    self.gemmProvider = gemmProvider
    self.matrixUnits = matrixUnits
    self.recordsLaunches = recordsLaunches
    self.warn = warn
  }
}
