import DeviceRuntime
import OpenCLRuntime

let deviceQuestions = [
  Question(key: "device", text: "What are the device's properties?") { bench in
    let device = bench.device
    var answer = Answer(value: .text(device.version))
    answer.add("compute units", Double(device.computeUnits), "")
    answer.add("maximum clock", Double(device.maximumClockMegahertz), "MHz")
    answer.add("global memory", Double(device.globalMemoryByteCount) / 0x1p30, "GiB")
    answer.add("largest buffer", Double(device.maximumBufferByteCount) / 0x1p30, "GiB")
    answer.add("local memory", Double(device.localMemoryByteCount) / 1024, "KiB")
    answer.add("largest work-group", Double(device.maximumWorkGroupSize), "work-items")
    answer.add("base address alignment", Double(device.baseAddressAlignment), "bytes")
    if let capability = device.computeCapability {
      answer.add("compute capability", .text("\(capability.major).\(capability.minor)"))
    }
    return answer
  },
  Question(key: "extensions", text: "Which extensions does it list?") { bench in
    let extensions = bench.device.extensions.sorted()
    var answer = Answer(value: .measured(Double(extensions.count), unit: "extensions"))
    answer.add("list", .text(extensions.joined(separator: " ")))
    for name in [
      "cl_khr_fp16", "cl_khr_fp64", "cl_khr_subgroups", "cl_khr_command_buffer",
      "cl_khr_integer_dot_product",
    ] {
      answer.add(name, bench.device.extensions.contains(name) ? .yes : .no)
    }
    return answer
  },
  Question(
    key: "local-memory", text: "How much local memory can a work-group really have?",
    ask: largestLocalArray),
]

/// The largest static local array that builds, runs and holds what is written to it.
private func largestLocalArray(_ bench: Bench) throws -> Answer {
  let groupCount = 2 * bench.device.computeUnits
  let group = min(256, bench.device.maximumWorkGroupSize)
  let found = try Buffer(bench.context, byteCount: 4 * groupCount)
  var largest = 0
  var refusal: String?
  let reported = bench.device.localMemoryByteCount
  for kibibytes in [16, 32, 48, 64, 96, 128, 160, 192, 224, 256, 512, 1024] {
    // A GPU may give more than it reports, so one step beyond is tried; PoCL would abort.
    if kibibytes << 10 > reported && bench.device.kind == .cpu { break }
    do {
      let kernel = try bench.kernel(
        "probe_local", of: .ceilings,
        defines: [("LOCAL_BYTES", kibibytes << 10), ("GROUP", group)], found)
      try bench.queue.launch(
        kernel, LaunchGeometry(groups: [groupCount, 1, 1], local: [group, 1, 1]))
      let wrong = try bench.queue.download(found, count: groupCount, of: UInt32(0))
      guard wrong.allSatisfy({ $0 == 0 }) else {
        refusal = "\(kibibytes) KiB loses written values"
        break
      }
      largest = kibibytes
    } catch {
      refusal = "\(kibibytes) KiB: \(firstLines(of: "\(error)", 3))"
    }
    if refusal != nil || kibibytes << 10 > reported { break }
  }
  var answer = Answer(value: .measured(Double(largest), unit: "KiB"))
  answer.add("reported", Double(reported) / 1024, "KiB")
  if let refusal { answer.add("first refusal", .text(refusal)) }
  return answer
}

/// The first lines of a compiler's log that say something.
func firstLines(of text: String, _ count: Int) -> String {
  text.split(separator: "\n").lazy
    .filter { line in line.contains { $0.isLetter } }
    .prefix(count).joined(separator: " / ")
}
