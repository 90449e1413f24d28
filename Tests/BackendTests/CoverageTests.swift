import IsometryGraph
import OpenCLRuntime
import TestSupport
import Testing

/// The suite runs over the devices that it finds; a machine without any, or a backend that does not
/// open, must not pass for one where OpenCL works. `scripts/setup` installs PoCL.
@Suite struct CoverageTests {
  @Test func everyOpenCLDeviceIsUnderTest() throws {
    let devices = try Device.all()
    #expect(!devices.isEmpty, "no OpenCL device; scripts/setup installs PoCL")
    let tested = BackendUnderTest.backends.filter { $0.name.hasPrefix("opencl") }
    #expect(tested.count == devices.count)
  }
}
