import CUDARuntime
import DeviceRuntime
import Foundation
import Testing

private let nvrtc = ProcessInfo.processInfo.environment["ISOMETRY_NVRTC"]
/// The first GPU of CUDA; nil on most machines. `scripts/simulated-gpu check` has one.
private let device = (try? CUDADevice.all(nvrtc: nvrtc))?.first

private let addSource = """
  extern "C" __global__ void add_number(const float *x, float *y, int count, float number) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = x[i] + number;
  }
  """

@Suite(.enabled(if: device != nil, "no CUDA on this machine"))
struct RuntimeTests {
  let context: any RuntimeContext
  let queue: any RuntimeQueue
  let count = 1000
  let geometry = LaunchGeometry(covering: 1000, by: 64)

  init() throws {
    context = try #require(device).open()
    queue = try context.makeQueue(profiling: true)
  }

  private var options: String {
    context.options([:], computesInDouble: false, isOptimizing: true)
  }

  private func buffer() throws -> any RuntimeBuffer { try context.makeBuffer(byteCount: 4 * count) }

  private func kernel(
    _ x: any RuntimeBuffer, _ y: any RuntimeBuffer, _ program: any RuntimeProgram
  ) throws -> any RuntimeKernel {
    let kernel = try program.kernel("add_number")
    try kernel.setBuffer(0, x)
    try kernel.setBuffer(1, y)
    try kernel.set(2, number: UInt32(count))
    try kernel.set(3, number: Float(1))
    return kernel
  }

  private func numbers(_ buffer: any RuntimeBuffer) throws -> [Float] {
    try queue.bytes(of: buffer, offset: 0, count: 4 * count).withUnsafeBytes {
      Array($0.bindMemory(to: Float.self))
    }
  }

  /// y = x + 1 and x = y + 1 in turn: the launches of a graph wait for each other, and it may be in the
  /// queue many times.
  @Test func launchesOfAGraphRunInOrder() throws {
    let program = try context.compile(name: "add", source: addSource, options: options)
    let (x, y) = (try buffer(), try buffer())
    let kernels = [try kernel(x, y, program), try kernel(y, x, program)]
    let values = (0..<count).map { Float($0) }
    try queue.upload(values, into: x)
    let event = try queue.enqueueTimed(kernels[0], geometry)
    try event.wait()
    #expect(try event.isComplete && event.duration >= 0)
    #expect(try numbers(y) == values.map { $0 + 1 })
    let graph = try queue.record((0..<6).map { (kernels[$0 % 2], geometry) })
    for _ in 0..<5 { try queue.enqueue(graph) }
    #expect(try numbers(x) == values.map { $0 + 30 })
  }

  @Test func pinnedMemoryTravelsOnItsOwnQueue() throws {
    let transfers = try context.makeQueue(profiling: false)
    let pinned = try transfers.makePinnedMemory(byteCount: 4 * count)
    for index in pinned.bytes.indices { pinned.bytes[index] = UInt8(truncatingIfNeeded: index) }
    let (x, y) = (try buffer(), try buffer())
    let sent = try transfers.send(
      UnsafeRawBufferPointer(pinned.bytes), to: x, offset: 0, after: nil)
    try queue.delay(until: sent)
    let copied = try queue.copy(x, into: y, byteCount: 4 * count)
    let completion = try queue.completion()
    try completion.wait()
    #expect(try completion.seconds(after: copied) >= 0)
    #expect(try queue.bytes(of: y, offset: 4, count: 100) == Array(pinned.bytes[4..<104]))
    try queue.clear(x)
    let end = try x.part(offset: 2048, byteCount: 4 * count - 2048)
    #expect(try queue.bytes(of: end, offset: 0, count: 8) == [UInt8](repeating: 0, count: 8))
  }

  @Test func aProgramComesBackFromItsBinary() throws {
    let program = try context.compile(name: "add", source: addSource, options: options)
    let loaded = try context.load(name: "add", binary: program.binary(), options: options)
    let (x, y) = (try buffer(), try buffer())
    try queue.clear(x)
    try queue.enqueue(kernel(x, y, loaded), geometry)
    #expect(try numbers(y) == [Float](repeating: 1, count: count))
    let error = #expect(throws: CUDAError.self) { try loaded.kernel("subtract_number") }
    #expect(error?.description.contains("subtract_number of add") == true)
  }

  @Test func badSourceIsABuildErrorWithTheLog() {
    let error = #expect(throws: KernelBuildError.self) {
      try context.compile(
        name: "broken", source: "extern \"C\" __global__ void f(float *x) { x[0] = wrong; }",
        options: options)
    }
    #expect(error?.kernel == "broken" && error?.log.contains("wrong") == true)
  }
}
