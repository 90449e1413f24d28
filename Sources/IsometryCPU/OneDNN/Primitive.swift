internal import COneDNN

/// A compiled primitive with its arguments, ready to run.
final class Primitive {
  /// The role of an argument and the memory it is in.
  struct Argument {
    let role: Int32
    let layout: MemoryDescriptor
    let storage: Storage
  }

  /// The implementation as reports name it.
  let variant: String
  private let engine: OneDNNEngine
  private let primitive: dnnl_primitive_t
  private let storages: [Storage]
  private let arguments: UnsafeMutableBufferPointer<dnnl_exec_arg_t>

  init(
    _ descriptor: PrimitiveDescriptor, _ engine: OneDNNEngine, _ arguments: [Argument],
    scratchpad: Scratchpad
  ) throws(CPUError) {
    variant = "oneDNN \(descriptor.implementation)"
    self.engine = engine
    let layout = try descriptor.layout(dnnl_query_scratchpad_md)
    let storage = scratchpad.reserve(layout.byteCount)
    let all = arguments + [Argument(role: DNNL_ARG_SCRATCHPAD, layout: layout, storage: storage)]
    primitive = try made("compile a primitive") { dnnl_primitive_create(&$0, descriptor.raw) }
    storages = all.map(\.storage)
    self.arguments = .allocate(capacity: all.count)
    // All elements first, so that `deinit` finds none without a value should an argument fail.
    self.arguments.initialize(repeating: dnnl_exec_arg_t())
    for (index, argument) in all.enumerated() {
      let memory = try made("describe an argument") {
        dnnl_memory_create(&$0, argument.layout.raw, engine.engine, nil)
      }
      self.arguments[index] = dnnl_exec_arg_t(arg: argument.role, memory: memory)
    }
  }

  /// A copy of a tensor in another layout or type.
  convenience init(
    reorder from: StoredValue, to: StoredValue, _ engine: OneDNNEngine, scratchpad: Scratchpad
  ) throws(CPUError) {
    let source = try from.layout.descriptor(from.type)
    let target = try to.layout.descriptor(to.type)
    try self.init(
      try PrimitiveDescriptor("plan a change of layout", PrimitiveAttributes()) {
        dnnl_reorder_primitive_desc_create(
          &$0, source.raw, engine.engine, target.raw, engine.engine, $1)
      }, engine,
      [
        Argument(role: DNNL_ARG_FROM, layout: source, storage: from.storage),
        Argument(role: DNNL_ARG_TO, layout: target, storage: to.storage),
      ], scratchpad: scratchpad)
  }

  deinit {
    for argument in arguments { dnnl_memory_destroy(argument.memory) }
    arguments.deallocate()
    dnnl_primitive_destroy(primitive)
  }

  /// Runs on the calling thread's team.
  ///
  /// - Precondition: every argument's storage has memory.
  func run() {
    for (argument, storage) in zip(arguments, storages) {
      dnnl_memory_set_data_handle(argument.memory, storage.pointer)
    }
    // Errors were found when the primitive was made: an execution with good arguments
    // does not fail.
    let status = dnnl_primitive_execute(
      primitive, engine.stream, Int32(arguments.count), arguments.baseAddress)
    precondition(status == dnnl_success, "oneDNN: \(String(cString: dnnl_status2str(status)))")
  }
}
