import IsometryCore
import IsometryGraph
import IsometryOpenCL
import OpenCLRuntime

/// The devices that OpenCL finds, numbered from 0 in its own order.
struct OpenCLDevices {
  private let devices: [Device]
  private let options: OpenCLOptions

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
    options.noteBuilding = BuildingProgress(environment.detail).show
    self.options = options
  }

  var isEmpty: Bool { devices.isEmpty }
  var numbers: Range<Int> { devices.indices }
  var firstGPU: Int? { devices.firstIndex { $0.kind == .gpu } }

  func name(of number: Int) -> String { devices[number].name }

  /// Whether the device has kernels for matrix units beside the portable ones.
  func hasMatrixUnits(_ number: Int) throws -> Bool {
    try OpenCLBackend(devices[number], number: number, options: options).mayUseMatrixUnits
  }

  /// - Parameter number: nil for the first GPU, else the first device.
  /// - Throws: `DeviceError`, and `OpenCLError` if the device cannot be opened.
  func backend(number: Int?) throws -> any Backend {
    guard !devices.isEmpty else { throw DeviceError.noOpenCLDevice }
    let number = number ?? firstGPU ?? 0
    guard devices.indices.contains(number) else {
      throw DeviceError.noSuchOpenCLDevice(number: number, count: devices.count)
    }
    return try OpenCLBackend(devices[number], number: number, options: options)
  }
}
