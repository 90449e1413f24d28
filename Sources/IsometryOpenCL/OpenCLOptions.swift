public import IsometryCommunication
package import IsometryGraph

/// The provider of the kernels of matrix products.
public enum GemmProvider: String, Sendable, CaseIterable {
  /// The package's own kernels.
  case own
  /// CLBlast, for products in fp32 and fp64; the package's kernels compute the others.
  case clblast
}

/// Whether products and convolutions in 16 bits run on the device's matrix units.
public enum MatrixUnitUse: String, Sendable, CaseIterable {
  /// If the device has them and their kernels build and pass a check.
  case auto
  /// Never: portable kernels only.
  case off
  /// The kernels for matrix units, with plain OpenCL C instead of their instructions. Slow; for
  /// checks on any device.
  case emulated
}

/// The options of an OpenCL backend. The program reads the environment once and passes it in here.
public struct OpenCLOptions: Sendable {
  /// The folder that keeps compiled programs between runs; nil keeps none.
  public var cacheDirectory: String?
  /// A folder laid out like kernels/ that is read instead of the embedded text; nil for that text.
  public var kernelDirectory: String?
  /// The provider of the kernels of matrix products.
  public var gemmProvider: GemmProvider
  /// Whether matrix units are used.
  public var matrixUnits: MatrixUnitUse
  /// Whether matrix units, if they are used, also take fp32 operands. They round these to tf32,
  /// which has a mantissa of 10 bits instead of 23.
  public var allowsTF32 = false
  /// Whether convolutions normalize their input as they load it, in the types that matrix units
  /// multiply. Normalized tensors are then never stored.
  public var usesPrologues = true
  /// Whether the driver optimizes kernels. On a CPU, kernels without it build several times as fast and
  /// run slowly. Results agree to rounding.
  public var optimizesKernels = true
  /// Whether a step's launches are recorded once and enqueued together, if the device supports it.
  public var recordsLaunches: Bool
  /// Whether compiled programs are kept in `cacheDirectory`, unless the driver keeps them itself.
  package var keepsPrograms = true
  /// The most bytes of one buffer, if it is less than the device's.
  package var bufferLimit = Int.max
  /// The compute units that launches should fill; nil for the device's.
  package var computeUnits: Int?
  /// The tiles that were measured on a device with that key; called once, when the device is opened.
  package var tiles: @Sendable (TileKey) -> TileTable = { _ in [:] }
  /// The processes over which steps sum gradients.
  public var ranks: any Communicator = SingleProcess()
  /// Called as a session builds programs: at first, after each one and at the end. Gets the number that are
  /// built and the number of all, which are equal at the end, also after an error. Calls come from any
  /// thread, one at a time.
  public var noteBuilding: @Sendable (_ built: Int, _ all: Int) -> Void = { _, _ in }
  /// Called with a line for people if the device does less than it should.
  public var warn: @Sendable (String) -> Void

  /// Options; by default no cache, the embedded kernels only, and no warnings.
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
