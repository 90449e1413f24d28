import DeviceRuntime
import OpenCLRuntime

let tensorCoreQuestions = [
  Question(
    key: "local-address-32-bit",
    text: "Is a __local pointer cast to 32 bits the address that shared-memory PTX takes?",
    ask: localAddress, obstacle: { $0.withoutTensorCores }),
  Question(
    key: "mma-bf16",
    text: "Is bf16 mma.sync.m16n8k16 after ldmatrix right, with and without the memory clobber?",
    ask: { try matrixTile($0, kernel: "probe_matrix_tile") }, obstacle: { $0.withoutTensorCores }),
  Question(
    key: "cp-async",
    text: "Is it right with tiles brought by cp.async, with and without the memory clobber?",
    ask: { try matrixTile($0, kernel: "probe_async_tile") }, obstacle: { $0.withoutTensorCores }),
  Question(
    key: "mma-rate", text: "How fast is mma.sync in bf16 with fp32 sums?",
    ask: { answer(try $0.matrixRates()) }, obstacle: { $0.withoutTensorCores }),
]

private func localAddress(_ bench: Bench) throws -> Answer {
  let found = try Buffer(bench.context, byteCount: 32)
  try bench.queue.clear(found)
  let kernel = try bench.kernel("probe_local_address", of: .tensorCores, found)
  try bench.queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [32, 1, 1]))
  let values = try bench.queue.download(found, count: 4, of: UInt64(0))
  var answer = Answer(value: values[2] == 15 && values[3] == 5 ? .yes : .no)
  answer.add("32-bit address", Double(values[0]), "")
  answer.add("whole pointer", .text("0x" + String(values[1], radix: 16)))
  answer.add("word read through it", Double(values[2]), "(15 is right)")
  return answer
}

/// A and B of one tile, and A·Bᵀ in Double.
///
/// The numbers are small multiples of 1/8, so that products and sums are exact in any order.
func tileExample() -> (a: [UInt16], b: [UInt16], product: [Double]) {
  func value(_ index: Int, _ factor: Int) -> Float { Float((index * factor) % 33 - 16) / 8 }
  let a = (0..<256).map { value($0, 7) }  // [16, 16]
  let b = (0..<128).map { value($0, 11) }  // [8, 16]
  var product = [Double](repeating: 0, count: 128)  // [16, 8]
  for m in 0..<16 {
    for n in 0..<8 {
      for k in 0..<16 { product[m * 8 + n] += Double(a[m * 16 + k]) * Double(b[n * 16 + k]) }
    }
  }
  // Exact: a bf16 has eight bits of significand, the values at most five.
  func halves(_ values: [Float]) -> [UInt16] { values.map { UInt16($0.bitPattern >> 16) } }
  return (halves(a), halves(b), product)
}

private func matrixTile(_ bench: Bench, kernel name: String) throws -> Answer {
  let example = tileExample()
  let a = try Buffer(bench.context, byteCount: 2 * example.a.count)
  let b = try Buffer(bench.context, byteCount: 2 * example.b.count)
  let c = try Buffer(bench.context, byteCount: 4 * example.product.count)
  try bench.queue.upload(example.a, to: a)
  try bench.queue.upload(example.b, to: b)

  var answer = Answer(value: .no)
  let statements = ["asm volatile with \"memory\"", "asm volatile", "asm"]
  for (statement, description) in statements.enumerated() {
    do {
      try bench.queue.clear(c)
      let kernel = try bench.kernel(
        name, of: .tensorCores, defines: [("STATEMENT", statement)], a, b, c)
      try bench.queue.launch(kernel, LaunchGeometry(groups: [1, 1, 1], local: [32, 1, 1]))
      let found = try bench.queue.download(c, count: example.product.count, of: Float(0))
      let wrong = zip(found, example.product).count { Double($0) != $1 }
      if wrong == 0 && statement == 0 { answer.value = .yes }
      answer.add(
        description,
        .text(wrong == 0 ? "right" : "\(wrong) of \(found.count) sums wrong"))
    } catch {
      answer.add(description, .text(firstLines(of: "\(error)", 4)))
    }
  }
  return answer
}
