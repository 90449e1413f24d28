import IsometryCommunication
import IsometryCore
import IsometryGraph
import IsometryOpenCL
import OpenCLRuntime

/// The devices that OpenCL finds, numbered from 0 in its own order.
struct OpenCLDevices {
  private let devices: [Device]
  private let options: OpenCLOptions
  private let ranks: any Communicator

  init(
    gemm: GemmArgument = .own, precision: Precision = .fp32, _ environment: ProgramEnvironment
  ) throws {
    devices = try Device.all()
    var options = OpenCLOptions(
      cacheDirectory: environment.cacheDirectory.map { "\($0)/opencl" },
      kernelDirectory: environment.kernelDirectory,
      gemmProvider: gemm == .clblast ? .clblast : .own,
      matrixUnits: environment.matrixUnits,
      recordsLaunches: !environment.disabled.contains(.commandBuffers),
      warn: ProgramEnvironment.warn)
    options.allowsTF32 = precision == .tf32
    options.usesPrologues = !environment.disabled.contains(.prologues)
    options.optimizesKernels = !environment.disabled.contains(.optimization)
    options.keepsPrograms = environment.keepsPrograms
    options.tiles = environment.measuredTiles
    options.ranks = environment.ranks
    ranks = environment.ranks
    options.noteBuilding = BuildingProgress(environment.detail).show
    self.options = options
  }

  var isEmpty: Bool { devices.isEmpty }
  var numbers: Range<Int> { devices.indices }
  /// The first GPU that no rank before this one on the machine takes.
  var firstGPU: Int? { devices.indices.filter { devices[$0].kind == .gpu }.dropFirst(ranks.localRank).first }
  private var hasGPU: Bool { devices.contains { $0.kind == .gpu } }

  func name(of number: Int) -> String { devices[number].name }

  /// Whether the device has kernels for matrix units beside the portable ones.
  func hasMatrixUnits(_ number: Int) throws -> Bool {
    try OpenCLBackend(devices[number], number: number, options: options).mayUseMatrixUnits
  }

  /// - Parameter number: nil for the first GPU, else the first device. Of several ranks on a machine, each gets a GPU of
  ///   its own.
  /// - Throws: `DeviceError`, and `OpenCLError` if the device cannot be opened.
  func backend(number: Int?) throws -> any Backend {
    guard !devices.isEmpty else { throw DeviceError.noOpenCLDevice }
    if ranks.localSize > 1 {
      guard number == nil || devices.indices.contains(number!) && devices[number!].kind != .gpu else {
        throw DeviceError.sharedGPU(ranks: ranks.localSize)
      }
      guard number != nil || !hasGPU || firstGPU != nil else {
        throw DeviceError.tooFewGPUs(
          count: devices.filter { $0.kind == .gpu }.count, ranks: ranks.localSize)
      }
    }
    let number = number ?? firstGPU ?? 0
    guard devices.indices.contains(number) else {
      throw DeviceError.noSuchOpenCLDevice(number: number, count: devices.count)
    }
    return try OpenCLBackend(devices[number], number: number, options: options)
  }
}
