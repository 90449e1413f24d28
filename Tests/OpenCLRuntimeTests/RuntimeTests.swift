import DeviceRuntime
import OpenCLRuntime
import Testing

/// The first device of any kind; PoCL where the machine has no other.
func anyDevice() -> Device? {
  guard let devices = try? Device.all() else { return nil }
  return devices.first
}

private let addSource = """
  kernel void add_number(global const float *x, global float *y, const int count,
                         const float number) {
    const int i = get_global_id(0);
    if (i < count) y[i] = x[i] + number;
  }
  """

@Suite(.enabled(if: anyDevice() != nil, "no OpenCL device on this machine"))
struct RuntimeTests {
  let context: Context
  let queue: CommandQueue

  init() throws {
    context = try Context(#require(anyDevice()))
    queue = try CommandQueue(context, profiling: true)
  }

  @Test func deviceTellsWhatPlansDependOn() {
    let device = context.device
    #expect(!device.name.isEmpty && !device.vendor.isEmpty && !device.driverVersion.isEmpty)
    #expect(device.version.hasPrefix("OpenCL "))
    #expect(device.computeUnits > 0 && device.maximumWorkGroupSize > 0)
    #expect(device.localMemoryByteCount >= 16 << 10)
    #expect(device.globalMemoryByteCount >= device.maximumBufferByteCount)
    // At least the size of the largest type, a long16; never the raw number of bits.
    #expect((1...4096).contains(device.baseAddressAlignment))
    #expect(device.baseAddressAlignment & (device.baseAddressAlignment - 1) == 0)
    #expect(device.supportsDouble == device.extensions.contains("cl_khr_fp64"))
    #expect(device.platform.version.hasPrefix("OpenCL "))
  }

  @Test func kernelComputesWithItsArgumentsSetOnce() throws {
    let count = 1000
    let program = try Program(context, name: "add", source: addSource)
    let kernel = try program.makeKernel("add_number")
    let x = try Buffer(context, byteCount: 4 * count)
    let y = try Buffer(context, byteCount: 4 * count)
    try kernel.set(0, x)
    try kernel.set(1, y)
    try kernel.set(2, Int32(count))
    try kernel.set(3, Float(0.5))
    let geometry = LaunchGeometry(covering: count, by: 64)
    for start in [0, 7] as [Float] {
      let values = (0..<count).map { start + Float($0) }
      try queue.upload(values, to: x)
      let event = try queue.timedLaunch(kernel, geometry)
      let found = try queue.download(y, count: count, of: Float(0))
      #expect(found == values.map { $0 + 0.5 })
      #expect(try event.isComplete)
      #expect(try event.duration >= 0)
    }
  }

  /// y = x + 1 and x = y + 1 in turn: the recording's launches wait for each other, and it may be in the
  /// queue many times.
  @Test func recordedLaunchesRunInOrder() throws {
    guard try CommandBuffer.isSupported(by: context.device) else { return }
    let count = 1000
    let program = try Program(context, name: "add", source: addSource)
    let buffers = [
      try Buffer(context, byteCount: 4 * count), try Buffer(context, byteCount: 4 * count),
    ]
    let kernels = try (0..<2).map { turn in
      let kernel = try program.makeKernel("add_number")
      try kernel.set(0, buffers[turn])
      try kernel.set(1, buffers[1 - turn])
      try kernel.set(2, Int32(count))
      try kernel.set(3, Float(1))
      return kernel
    }
    let geometry = LaunchGeometry(covering: count, by: 64)
    let commands = try CommandBuffer(
      (0..<6).map { (kernels[$0 % 2], geometry) }, for: queue)
    let values = (0..<count).map { Float($0) }
    try queue.upload(values, to: buffers[0])
    for _ in 0..<5 { try queue.run(commands) }
    let found = try queue.download(buffers[0], count: count, of: Float(0))
    #expect(found == values.map { $0 + 30 })
  }

  @Test func regionsShareMemoryAndHonorAlignment() throws {
    let step = context.device.baseAddressAlignment
    let whole = try Buffer(context, byteCount: 4 * step)
    try queue.clear(whole)
    let part = try whole.region(offset: 2 * step, byteCount: step)
    try queue.upload([UInt8](repeating: 9, count: step), to: part)
    let bytes = try queue.download(whole, count: 4 * step, of: UInt8(0))
    #expect(bytes.indices.allSatisfy { bytes[$0] == ($0 / step == 2 ? 9 : 0) })
    if step > 1 {
      let error = #expect(throws: OpenCLError.self) {
        try whole.region(offset: step / 2, byteCount: 1)
      }
      #expect(error?.code == .misalignedSubBufferOffset)
      #expect(error?.description.contains("CL_MISALIGNED_SUB_BUFFER_OFFSET") == true)
    }
  }

  @Test func pinnedMemoryTravelsOnItsOwnQueue() throws {
    let transfers = try CommandQueue(context)
    let pinned = try PinnedMemory(transfers, byteCount: 4096)
    let back = try PinnedMemory(transfers, byteCount: 4096)
    let buffer = try Buffer(context, byteCount: 4096)
    for (index, _) in pinned.bytes.enumerated() {
      pinned.bytes[index] = UInt8(truncatingIfNeeded: 31 * index)
    }
    let arrived = try transfers.write(UnsafeRawBufferPointer(pinned.bytes), to: buffer)
    try transfers.flush()
    try queue.wait(for: arrived)
    let event = try queue.read(buffer, into: back.bytes)
    try event.wait()
    #expect(back.bytes.elementsEqual(pinned.bytes))
  }

  @Test func markerStandsForEverythingBefore() throws {
    let buffer = try Buffer(context, byteCount: 1 << 16)
    let other = try Buffer(context, byteCount: 1 << 16)
    try queue.upload([UInt8](repeating: 3, count: 1 << 16), to: buffer)
    try queue.copy(buffer, to: other, byteCount: 1 << 16)
    let marker = try queue.marker()
    try queue.flush()
    try marker.wait()
    #expect(try queue.download(other, count: 4, of: UInt8(0)) == [3, 3, 3, 3])
  }

  @Test func badSourceIsABuildErrorWithTheLog() {
    let error = #expect(throws: KernelBuildError.self) {
      try Program(
        context, name: "broken", source: "kernel void broken(global float *x) { x[0] = wrong; }",
        options: "-DTILE=4")
    }
    #expect(error?.kernel == "broken")
    #expect(error?.defines == "-DTILE=4")
    #expect(error?.log.contains("wrong") == true)
  }

  @Test func missingEntryPointIsNamed() throws {
    let program = try Program(context, name: "add", source: addSource)
    let error = #expect(throws: OpenCLError.self) { try program.makeKernel("subtract_number") }
    #expect(error?.call == "clCreateKernel")
    #expect(error?.description.contains("subtract_number of add") == true)
  }

  @Test func unknownCodesAreStillShown() {
    #expect(StatusCode(rawValue: -9999).description == "status -9999")
    #expect(StatusCode.platformNotFound.description == "CL_PLATFORM_NOT_FOUND_KHR")
  }
}
