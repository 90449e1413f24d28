import DeviceRuntime
import Foundation
import IsometryCore
import OpenCLRuntime

let compilerQuestions = [
  Question(
    key: "build-time", text: "How long does it take to build a program, from source and binary?",
    ask: buildTime),
  Question(
    key: "ptx-header", text: "What is the header of the PTX in a program's binary?",
    ask: header, obstacle: { $0.withoutPTX }),
  Question(
    key: "nv-arch-option", text: "Does the option -cl-nv-arch sm_90a give wgmma to OpenCL C?",
    ask: wgmmaByOption, obstacle: withoutWgmma),
  Question(
    key: "ptx-patching",
    text: "Does PTX with its target changed to sm_90a, and wgmma in it, load as a binary?",
    ask: wgmmaByPatching, obstacle: withoutWgmma),
]

private func buildTime(_ bench: Bench) throws -> Answer {
  // A define of its own each time, so that no cache of the driver answers.
  var salt = Int(now() * 1e6) & 0xfffffff
  var program: Program?
  var fromSource = Double.infinity
  for _ in 0..<min(bench.effort.repeats, 3) {
    salt += 1
    let start = now()
    program = try bench.program(.ceilings, defines: [("SALT", salt)])
    _ = try program?.makeKernel("probe_copy")
    fromSource = min(fromSource, now() - start)
  }
  var answer = Answer(value: .measured(fromSource * 1e3, unit: "ms from source"))
  guard let program else { return answer }
  let binary = try program.binary()
  let fromBinary = try bench.wallSeconds {
    _ = try Program(bench.context, name: "ceilings", binary: binary).makeKernel("probe_copy")
  }
  answer.add("from binary", fromBinary * 1e3, "ms")
  answer.add("binary", Double(binary.count) / 1024, "KiB")
  return answer
}

/// The binary as text, up to its terminating zero; nil if it is no PTX.
private func ptx(of program: Program) throws -> String? {
  let text = try String(decoding: program.binary().prefix { $0 != 0 }, as: UTF8.self)
  return text.contains(".target") ? text : nil
}

private func header(_ bench: Bench) throws -> Answer {
  let program = try bench.program(.ceilings)
  guard let text = try ptx(of: program) else {
    let head = try program.binary().prefix(16).map { String($0, radix: 16) }
    return Answer(value: .text("no PTX; bytes " + head.joined(separator: " ")))
  }
  let lines = text.split(separator: "\n").prefix { !$0.contains(".entry") }
  func directive(_ name: String) -> String? {
    lines.first { $0.hasPrefix(name) }.map(String.init)
  }
  let directives = [".version", ".target", ".address_size"].compactMap(directive)
  var answer = Answer(value: .text(directives.joined(separator: "; ")))
  for line in lines where line.hasPrefix("//") && line.count > 3 {
    answer.add("comment", .text(line.dropFirst(2).trimmingCharacters(in: .whitespaces)))
  }
  return answer
}

/// The reason why a device has no wgmma; nil if it may have it.
private func withoutWgmma(_ device: Device) -> String? {
  if let reason = device.withoutPTX { return reason }
  guard let capability = device.computeCapability, capability.major != 9 else { return nil }
  return "wgmma is Hopper's; compute capability is \(capability.major).\(capability.minor)"
}

private func wgmmaByOption(_ bench: Bench) throws -> Answer {
  var answer = Answer(value: .no)
  for options in ["", "-cl-nv-arch sm_90a", "-cl-nv-arch=sm_90a"] {
    let name = options.isEmpty ? "no option" : options
    do {
      let program = try bench.program(.hopper, options: options)
      answer.add(name, .text("builds"))
      if try touches(bench, with: program, "probe_warpgroup") { answer.value = .yes }
    } catch {
      answer.add(name, .text(firstLines(of: "\(error)", 4)))
    }
  }
  return answer
}

private func wgmmaByPatching(_ bench: Bench) throws -> Answer {
  guard let text = try ptx(of: bench.program(.ceilings)) else {
    return Answer(value: .notApplicable("the binary is not PTX"))
  }
  var answer = Answer(value: .no)
  for (name, patched) in [
    ("target unchanged", text), ("target sm_90a", forWarpgroups(text, inserting: nil)),
    ("target sm_90a, wgmma.fence inserted", forWarpgroups(text, inserting: "probe_touch")),
  ] {
    do {
      let program = try Program(
        bench.context, name: "patched", binary: Array(patched.utf8) + [0])
      let works = try touches(bench, with: program, "probe_touch")
      answer.add(name, .text(works ? "loads and runs" : "loads, result wrong"))
      if works { answer.value = .yes }
    } catch {
      answer.value = .no
      answer.add(name, .text(firstLines(of: "\(error)", 4)))
    }
  }
  return answer
}

/// PTX with its target line changed to sm_90a and, in one entry, a wgmma instruction before
/// each return.
func forWarpgroups(_ text: String, inserting entry: String?) -> String {
  var inEntry = false
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
    if line.hasPrefix(".target sm_90") && !line.hasPrefix(".target sm_90a") {
      return ".target sm_90a" + line.dropFirst(".target sm_90".count)
    }
    if line.contains(".entry ") { inEntry = entry.map { line.contains(" \($0)(") } ?? false }
    if inEntry && line.trimmingCharacters(in: .whitespaces) == "ret;" {
      return "\twgmma.fence.sync.aligned;\n" + line
    }
    return String(line)
  }
  return lines.joined(separator: "\n")
}

/// Whether a kernel that adds one to its only argument does so.
private func touches(_ bench: Bench, with program: Program, _ name: String) throws -> Bool {
  let value = try Buffer(bench.context, byteCount: 4)
  try bench.queue.upload([UInt32(41)], to: value)
  let kernel = try program.makeKernel(name)
  try kernel.set(0, value)
  let group = name == "probe_warpgroup" ? 128 : 1
  try bench.queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [group, 1, 1]))
  return try bench.queue.download(value, count: 1, of: UInt32(0)) == [42]
}
