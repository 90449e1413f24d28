internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerLoss(_ node: Node, _ smoothing: Double, mixes: Bool) throws(CPUError) {
    let logits = place(node.inputs[0])
    let labels = place(node.inputs[1]).storage
    let mixing = mixes ? place(node.inputs[2]).storage : nil
    let results = node.results.map { makeResult($0).storage }
    let (rows, classes) = (logits.type.shape[0], logits.type.shape[1])
    let (type, size) = (logits.type.dtype.loops, logits.type.dtype.byteCount)
    let losses = Storage(byteCount: rows * 8)
    let hits = Storage(byteCount: rows * 4)
    emit(
      node.operation.name, reads: [logits.storage, labels] + (mixing.map { [$0] } ?? []),
      writes: [losses, hits, results[2]],
      .pieces(rows) { range in
        let share = mixing?.elements(Float.self)[0] ?? 1
        for row in range {
          let offset = row * classes * size
          vl_cross_entropy(
            type, logits.storage.bytes(from: offset), Int64(classes), labels.elements(),
            Int64(row), Int64(rows), share, Float(smoothing),
            results[2].bytes(from: offset), losses.elements(Double.self) + row,
            hits.elements(Int32.self) + row)
        }
      })
    emit(
      "\(node.operation.name)Total", reads: [losses, hits], writes: [results[0], results[1]],
      .whole {
        var (loss, correct) = (0.0, 0)
        for row in 0..<rows {
          loss += losses.elements(Double.self)[row]
          correct += Int(hits.elements(Int32.self)[row])
        }
        results[0].elements(Float.self)[0] = Float(loss / Double(rows))
        results[1].elements(Float.self)[0] = Float(correct)
      })
  }
}
