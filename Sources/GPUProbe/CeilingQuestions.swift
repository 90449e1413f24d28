#if OpenCL
  import OpenCLRuntime

  let ceilingQuestions = [
    Question(
      key: "copy-bandwidth", text: "How fast does it copy within its memory (read and written)?",
      ask: copyBandwidth),
    Question(
      key: "fp32-rate", text: "How fast are fused fp32 multiply-adds?", ask: multiplyAddRate),
    Question(
      key: "transfer-bandwidth", text: "How fast are transfers from and to pinned host memory?",
      ask: transferBandwidth),
  ]

  private func copyBandwidth(_ bench: Bench) throws -> Answer {
    let byteCount = bench.byteCount
    let source = try Buffer(bench.context, byteCount: byteCount)
    let target = try Buffer(bench.context, byteCount: byteCount)
    try bench.queue.clear(source)
    try bench.queue.clear(target)

    let kernel = try bench.program(.ceilings).makeKernel("probe_copy")
    try kernel.set(0, source)
    try kernel.set(1, target)
    try kernel.set(2, UInt32(byteCount / 16))
    let geometry = LaunchGeometry(covering: byteCount / 16, by: 256)
    let seconds = try bench.deviceSeconds { try bench.queue.timedLaunch(kernel, geometry) }

    // The driver's own copy has no event here; its wall time includes one wait.
    let driverSeconds = try bench.wallSeconds {
      try bench.queue.copy(source, to: target, byteCount: byteCount)
      try bench.queue.finish()
    }
    let gigabytes = 2e-9 * Double(byteCount)
    var answer = Answer(value: .measured(gigabytes / seconds, unit: "GB/s"))
    answer.add("clEnqueueCopyBuffer", gigabytes / driverSeconds, "GB/s")
    answer.add("buffer", Double(byteCount) / 0x1p20, "MiB")
    return answer
  }

  private func multiplyAddRate(_ bench: Bench) throws -> Answer {
    var answer = Answer(value: .failed("no variant ran"))
    var best = 0.0
    let groups = bench.device.computeUnits * 32
    let sums = try Buffer(bench.context, byteCount: 4 * 256 * groups)
    let geometry = LaunchGeometry(groups: [groups, 1, 1], local: [256, 1, 1])
    // Compilers for CPUs want the vectors spelled out; GPUs want few registers.
    for (chains, lanes) in [(8, 1), (16, 1), (4, 4), (8, 16)] {
      let kernel = try bench.multiplyAddKernel(chains: chains, lanes: lanes, sums: sums)
      let (rounds, seconds) = try bench.scaled(to: bench.effort.seconds) { rounds in
        try kernel.set(3, rounds)
        return try bench.queue.timedLaunch(kernel, geometry)
      }
      // x = x/2 + 1 ends at 2 in every chain, unless the work was not done.
      let found = try bench.queue.download(sums, count: 256 * groups, of: Float(0))
      guard found.allSatisfy({ $0 == Float(2 * chains * lanes) }) else {
        return Answer(value: .failed("the sums of \(chains) chains of \(lanes) are wrong"))
      }
      let operations = 2 * Double(chains * lanes) * Double(rounds) * Double(256 * groups)
      let rate = operations / seconds * 1e-12
      answer.add("\(chains) chains of \(lanes)", rate, "TFLOP/s")
      best = max(best, rate)
    }
    answer.value = .measured(best, unit: "TFLOP/s")
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
#endif
