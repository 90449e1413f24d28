internal import COneDNN

/// oneDNN's handle for the processor, and the queue in which its primitives run: at once, on the
/// calling thread and its team.
final class OneDNNEngine {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  init() throws(CPUError) {
    let engine = try made("find the processor") { dnnl_engine_create(&$0, dnnl_cpu, 0) }
    self.engine = engine
    stream = try made("make a stream") {
      dnnl_stream_create(&$0, engine, UInt32(dnnl_stream_default_flags.rawValue))
    }
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

/// The object that a function of oneDNN makes.
func made<Handle>(
  _ action: @autoclosure () -> String, _ make: (inout Handle?) -> dnnl_status_t
) throws(CPUError) -> Handle {
  var handle: Handle?
  try check(make(&handle), action())
  guard let handle else { throw CPUError(action: action(), status: "no object") }
  return handle
}
