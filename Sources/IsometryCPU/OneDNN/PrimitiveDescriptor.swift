internal import COneDNN

/// An implementation that oneDNN chose for an operation, with the layouts it wants.
final class PrimitiveDescriptor {
  let raw: dnnl_primitive_desc_t

  /// - Parameter choose: the function of oneDNN that chooses an implementation with these attributes, in
  ///   which the scratchpad is the caller's.
  init(
    _ action: @autoclosure () -> String, _ attributes: PrimitiveAttributes,
    _ choose: (inout dnnl_primitive_desc_t?, dnnl_primitive_attr_t) -> dnnl_status_t
  ) throws(CPUError) {
    raw = try made(action()) { choose(&$0, attributes.raw) }
  }

  deinit { dnnl_primitive_desc_destroy(raw) }

  func layout(_ what: dnnl_query_t) throws(CPUError) -> MemoryDescriptor {
    guard let layout = dnnl_primitive_desc_query_md(raw, what, 0) else {
      preconditionFailure("a primitive without the requested argument")
    }
    return try MemoryDescriptor(copying: layout)
  }

  /// oneDNN's name for the implementation, such as `jit:avx512_core`.
  var implementation: String {
    var text: UnsafePointer<CChar>?
    let status = dnnl_primitive_desc_query(raw, dnnl_query_impl_info_str, 0, &text)
    guard status == dnnl_success, let text else { return "unknown" }
    return String(cString: text)
  }

  /// Whether another layout of a convolution's images is to be preferred. The plain loops that oneDNN falls
  /// back to are a hundred times slower than any other. Its products in batches of vectors (`brgconv`) are
  /// taken where plain images happen to be channels-last, of one channel or one pixel: with oneDNN 2.6 two
  /// of some thousand results of a padded kernel on one pixel were wrong, for a reason that was not found.
  var isLastResort: Bool {
    let name = implementation
    return name.hasPrefix("ref") || name.hasPrefix("brgconv") && !name.contains("amx")
  }
}

/// The work of a primitive on its result before it is stored.
final class PrimitiveAttributes {
  let raw: dnnl_primitive_attr_t

  init(rectifies: Bool = false) throws(CPUError) {
    raw = try made("make attributes") { dnnl_primitive_attr_create(&$0) }
    try check(
      dnnl_primitive_attr_set_scratchpad_mode(raw, dnnl_scratchpad_mode_user),
      "choose the scratchpad")
    guard rectifies else { return }
    let operations = try made("make an epilogue") { dnnl_post_ops_create(&$0) }
    defer { dnnl_post_ops_destroy(operations) }
    try check(onednn_append_rectifier(operations), "append an activation")
    try check(dnnl_primitive_attr_set_post_ops(raw, operations), "set an epilogue")
  }

  deinit { dnnl_primitive_attr_destroy(raw) }
}
