enum DeviceError: Error, Equatable, CustomStringConvertible {
  case noDevice(DeviceDriver)
  case noSuchDevice(DeviceDriver, number: Int, count: Int)
  /// Several ranks of a machine name one GPU.
  case sharedGPU(DeviceDriver, ranks: Int)
  /// A machine has fewer GPUs than ranks.
  case tooFewGPUs(count: Int, ranks: Int)

  var description: String {
    switch self {
    case .noDevice(let driver):
      "\(driver.title) finds no device: isometry doctor says what is missing; or use --device cpu"
    case .noSuchDevice(let driver, let number, let count):
      "there is no \(driver.rawValue):\(number): \(driver.title) finds \(count) "
        + "device\(count == 1 ? "" : "s"), numbered from 0; isometry devices lists them"
    case .sharedGPU(let driver, let ranks):
      "\(ranks) ranks of this machine would share one GPU; --device \(driver.rawValue) gives each its own"
    case .tooFewGPUs(let count, let ranks):
      "this machine has \(count) GPU\(count == 1 ? "" : "s") for \(ranks) ranks; start \(count), or use "
        + "--device cpu"
    }
  }
}
