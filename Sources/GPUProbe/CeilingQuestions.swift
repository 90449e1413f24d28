import DeviceRuntime
import OpenCLRuntime

let ceilingQuestions = [
  Question(
    key: "copy-bandwidth", text: "How fast does it copy within its memory (read and written)?",
    ask: copyBandwidth),
  Question(key: "fp32-rate", text: "How fast are fused fp32 multiply-adds?") { bench in
    answer(try bench.multiplyAddRates())
  },
  Question(
    key: "transfer-bandwidth", text: "How fast are transfers from and to pinned host memory?",
    ask: transferBandwidth),
]

private func copyBandwidth(_ bench: Bench) throws -> Answer {
  let rates = try bench.copyRates()
  var answer = Answer(value: .measured(rates.kernel * 1e-9, unit: "GB/s"))
  answer.add("clEnqueueCopyBuffer", rates.driver * 1e-9, "GB/s")
  answer.add("buffer", Double(bench.byteCount) / 0x1p20, "MiB")
  return answer
}

/// The best of some variants, with all of them beside it.
func answer(_ rates: [(variant: String, operationsPerSecond: Double)]) -> Answer {
  let best = rates.map(\.operationsPerSecond).max() ?? 0
  var answer = Answer(value: .measured(best * 1e-12, unit: "TFLOP/s"))
  for rate in rates { answer.add(rate.variant, rate.operationsPerSecond * 1e-12, "TFLOP/s") }
  return answer
}

private func transferBandwidth(_ bench: Bench) throws -> Answer {
  let byteCount = min(bench.byteCount, 256 << 20)
  let buffer = try Buffer(bench.context, byteCount: byteCount)
  let pinned = try PinnedMemory(bench.queue, byteCount: byteCount)
  let gigabytes = 1e-9 * Double(byteCount)

  func rates(_ memory: UnsafeMutableRawBufferPointer) throws -> (write: Double, read: Double) {
    // Touched first, so that no page fault is timed.
    memory.initializeMemory(as: UInt8.self, repeating: 1)
    let write = try bench.wallSeconds {
      try bench.queue.write(UnsafeRawBufferPointer(memory), to: buffer).wait()
    }
    let read = try bench.wallSeconds {
      try bench.queue.read(buffer, into: memory).wait()
    }
    return (gigabytes / write, gigabytes / read)
  }

  let fromPinned = try rates(pinned.bytes)
  let pageable = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
  defer { pageable.deallocate() }
  let fromPageable = try rates(pageable)

  var answer = Answer(value: .measured(fromPinned.write, unit: "GB/s"))
  answer.add("pinned, device to host", fromPinned.read, "GB/s")
  answer.add("pageable, host to device", fromPageable.write, "GB/s")
  answer.add("pageable, device to host", fromPageable.read, "GB/s")
  answer.add("transfer", Double(byteCount) / 0x1p20, "MiB")
  return answer
}
