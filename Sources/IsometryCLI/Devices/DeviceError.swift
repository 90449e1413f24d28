enum DeviceError: Error, Equatable, CustomStringConvertible {
  case noOpenCLDevice
  case noSuchOpenCLDevice(number: Int, count: Int)

  var description: String {
    switch self {
    case .noOpenCLDevice:
      "OpenCL finds no device: isometry doctor says what is missing; or use --device cpu"
    case .noSuchOpenCLDevice(let number, let count):
      "there is no opencl:\(number): OpenCL finds \(count) device\(count == 1 ? "" : "s"), numbered "
        + "from 0; isometry devices lists them"
    }
  }
}
