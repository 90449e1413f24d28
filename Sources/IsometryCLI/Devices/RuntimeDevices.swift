import CUDARuntime
import DeviceRuntime
import IsometryCommunication
import IsometryCore
import IsometryGraph
import IsometryOpenCL
import OpenCLRuntime

/// A driver through which kernels run.
enum DeviceDriver: String, Sendable {
  case cuda
  case openCL = "opencl"

  var title: String {
    switch self {
    case .cuda: "CUDA"
    case .openCL: "OpenCL"
    }
  }
}

/// The devices that a driver finds, numbered from 0 in its own order.
struct RuntimeDevices {
  let driver: DeviceDriver
  private let devices: [any RuntimeDevice]
  private let options: OpenCLOptions
  private let ranks: any Communicator

  /// - Throws: the driver's error; `CUDAUnavailable` if CUDA or its compiler is missing.
  init(
    _ driver: DeviceDriver, gemm: GemmArgument = .own, precision: Precision = .fp32,
    _ environment: ProgramEnvironment
  ) throws {
    self.driver = driver
    let recordsLaunches: Bool
    switch driver {
    case .cuda:
      devices = try CUDADevice.all(nvrtc: environment.nvrtc)
      recordsLaunches = !environment.disabled.contains(.graphs)
    case .openCL:
      devices = try Device.all()
      recordsLaunches = !environment.disabled.contains(.commandBuffers)
    }
    var options = OpenCLOptions(
      cacheDirectory: environment.cacheDirectory.map { "\($0)/\(driver.rawValue)" },
      kernelDirectory: environment.kernelDirectory,
      gemmProvider: gemm == .clblast ? .clblast : .own,
      matrixUnits: environment.matrixUnits,
      recordsLaunches: recordsLaunches,
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
  private var gpus: [Int] { devices.indices.filter { devices[$0].kind == .gpu } }
  /// The first GPU that no rank before this one on the machine takes.
  var firstGPU: Int? { gpus.dropFirst(ranks.localRank).first }

  /// `opencl:0`
  func label(of number: Int) -> String { "\(driver.rawValue):\(number)" }
  func name(of number: Int) -> String { devices[number].name }
  func pciAddress(of number: Int) -> PCIAddress? { devices[number].pciAddress }
  func number(at address: PCIAddress?) -> Int? {
    address.flatMap { address in devices.firstIndex { $0.pciAddress == address } }
  }
  /// Whether CUDA could run the device.
  func isNVIDIAs(_ number: Int) -> Bool { devices[number].computeCapability != nil }

  /// Whether the device has kernels for matrix units beside the portable ones.
  func hasMatrixUnits(_ number: Int) throws -> Bool {
    try OpenCLBackend(devices[number], number: number, options: options).mayUseMatrixUnits
  }

  /// - Parameter number: nil for the first GPU, else the first device. Of several ranks on a machine, each gets a GPU of
  ///   its own.
  /// - Throws: `DeviceError`, and the driver's error if the device cannot be opened.
  func backend(number: Int?) throws -> any Backend {
    guard !devices.isEmpty else { throw DeviceError.noDevice(driver) }
    if ranks.localSize > 1 {
      guard number == nil || !gpus.contains(number!) else {
        throw DeviceError.sharedGPU(driver, ranks: ranks.localSize)
      }
      guard number != nil || gpus.isEmpty || firstGPU != nil else {
        throw DeviceError.tooFewGPUs(count: gpus.count, ranks: ranks.localSize)
      }
    }
    let number = number ?? firstGPU ?? 0
    guard devices.indices.contains(number) else {
      throw DeviceError.noSuchDevice(driver, number: number, count: devices.count)
    }
    return try OpenCLBackend(devices[number], number: number, options: options)
  }
}
