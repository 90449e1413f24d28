internal import COneDNN

/// oneDNN's handle for the processor, and the queue in which its primitives run: at once, on the
/// calling thread and its team.
final class OneDNNEngine {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  init() throws(CPUError) {
    var engine: dnnl_engine_t?
    try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "find the processor")
    guard let engine else { throw CPUError(action: "find the processor", status: "no engine") }
    var stream: dnnl_stream_t?
    try check(
      dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)),
      "make a stream")
    guard let stream else { throw CPUError(action: "make a stream", status: "no stream") }
    self.engine = engine
    self.stream = stream
  }

  deinit {
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(engine)
  }
}

func check(_ status: dnnl_status_t, _ action: @autoclosure () -> String) throws(CPUError) {
  guard status != dnnl_success else { return }
  throw CPUError(action: action(), status: String(cString: dnnl_status2str(status)))
}
