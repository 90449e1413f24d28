internal import COneDNN

/// An implementation that oneDNN chose for an operation, with the layouts it wants.
final class PrimitiveDescriptor {
  let raw: dnnl_primitive_desc_t

  /// - Parameters:
  ///   - operation: an initialized operation descriptor.
  ///   - attributes: epilogues; the scratchpad is always the caller's.
  ///   - forward: the forward implementation that a backward one belongs to.
  init(
    _ operation: UnsafeRawPointer, _ engine: OneDNNEngine, attributes: PrimitiveAttributes,
    forward: PrimitiveDescriptor? = nil, _ action: @autoclosure () -> String
  ) throws(CPUError) {
    var raw: dnnl_primitive_desc_t?
    try check(
      dnnl_primitive_desc_create(
        &raw, operation, attributes.raw, engine.engine, forward?.raw), action())
    guard let raw else { throw CPUError(action: action(), status: "no implementation") }
    self.raw = raw
  }

  /// A copy from one layout and type to another.
  init(
    reorder source: MemoryDescriptor, to target: MemoryDescriptor, _ engine: OneDNNEngine
  ) throws(CPUError) {
    let attributes = try PrimitiveAttributes()
    var raw: dnnl_primitive_desc_t?
    var (from, to) = (source.raw, target.raw)
    try check(
      dnnl_reorder_primitive_desc_create(
        &raw, &from, engine.engine, &to, engine.engine, attributes.raw),
      "plan a change of layout")
    guard let raw else { throw CPUError(action: "plan a change of layout", status: "none") }
    self.raw = raw
  }

  deinit { dnnl_primitive_desc_destroy(raw) }

  func layout(_ what: dnnl_query_t) -> MemoryDescriptor {
    guard let layout = dnnl_primitive_desc_query_md(raw, what, 0) else {
      preconditionFailure("a primitive without the requested argument")
    }
    return MemoryDescriptor(layout.pointee)
  }

  var scratchpad: MemoryDescriptor { layout(dnnl_query_scratchpad_md) }

  /// oneDNN's name for the implementation, such as `jit:avx512_core`.
  var implementation: String {
    var text: UnsafePointer<CChar>?
    let status = dnnl_primitive_desc_query(raw, dnnl_query_impl_info_str, 0, &text)
    guard status == dnnl_success, let text else { return "unknown" }
    return String(cString: text)
  }

  /// The implementation as reports name it.
  var variant: String { "oneDNN \(implementation)" }

  /// Whether another layout of a convolution's images is to be preferred. The plain loops that oneDNN falls
  /// back to are a hundred times slower than any other. Its products in batches (`brgconv`) are taken where
  /// plain images happen to be channels-last, of one channel or one pixel: with oneDNN 2.6 two of some
  /// thousand results of a padded kernel on one pixel were wrong, for a reason that was not found.
  var isLastResort: Bool {
    implementation.hasPrefix("ref") || implementation.hasPrefix("brgconv")
  }
}

/// The work of a primitive on its result before it is stored.
final class PrimitiveAttributes {
  let raw: dnnl_primitive_attr_t

  init(rectifies: Bool = false) throws(CPUError) {
    var raw: dnnl_primitive_attr_t?
    try check(dnnl_primitive_attr_create(&raw), "make attributes")
    guard let raw else { throw CPUError(action: "make attributes", status: "none") }
    self.raw = raw
    try check(
      dnnl_primitive_attr_set_scratchpad_mode(raw, dnnl_scratchpad_mode_user),
      "choose the scratchpad")
    guard rectifies else { return }
    var operations: dnnl_post_ops_t?
    try check(dnnl_post_ops_create(&operations), "make an epilogue")
    defer { dnnl_post_ops_destroy(operations) }
    try check(
      dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0), "append an activation")
    try check(dnnl_primitive_attr_set_post_ops(raw, operations), "set an epilogue")
  }

  deinit { dnnl_primitive_attr_destroy(raw) }
}
