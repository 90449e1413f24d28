enum DeviceError: Error, Equatable, CustomStringConvertible {
  case noDevice(DeviceDriver)
  case noSuchDevice(DeviceDriver, number: Int, count: Int)

  var description: String {
    switch self {
    case .noDevice(let driver):
      "\(driver.title) finds no device: isometry doctor says what is missing; or use --device cpu"
    case .noSuchDevice(let driver, let number, let count):
      "there is no \(driver.rawValue):\(number): \(driver.title) finds \(count) "
        + "device\(count == 1 ? "" : "s"), numbered from 0; isometry devices lists them"
    }
  }
}
