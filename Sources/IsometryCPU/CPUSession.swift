internal import IsometryCommunication
internal import IsometryCore
internal import IsometryGraph

/// A launch list whose arguments are bound; the calling thread and its team replay it.
final class CPUSession: ProfilingSession, HostSession {
  let graph: Graph
  let report: SessionReport
  let launchWork: [LaunchWork]
  private let engine: OneDNNEngine
  private let launches: [Launch]
  private let places: [Value: StoredValue]
  private let inputs: [Storage]  // as in `graph.inputs`
  private let arena: Storage
  /// The slot of the last step, in whose memory an output may lie.
  private var lastSlot: HostStagingSlot?

  init(
    _ graph: Graph, images: ImageLayouts, sharing session: CPUSession?, usesOwnConvolutions: Bool,
    ranks: any Communicator
  ) throws {
    self.graph = graph
    let known = session?.variablePlaces ?? [:]
    try FreeMemory.require(
      graph.variables.filter { known[$0.name] == nil }.map { graph.type(of: $0.value).byteCount }
        .reduce(0, +), for: "parameters and optimizer state", of: graph)
    let engine = try session?.engine ?? OneDNNEngine()
    self.engine = engine
    let scratchpad = Scratchpad()
    let lowering = try GraphLowering(
      graph, engine, images: images, scratchpad: scratchpad,
      variables: known, usesOwnConvolutions: usesOwnConvolutions)
    try lowering.run()
    launches = lowering.launches
    launchWork = launches.map {
      LaunchWork(node: $0.node, variant: $0.variant, byteCount: $0.byteCount)
    }
    places = lowering.places
    inputs = graph.inputs.map { lowering.place($0.value).storage }
    let plan = ArenaPlan(for: lowering.launches)
    try FreeMemory.require(
      plan.memory.byteCount + scratchpad.byteCount, for: "activations and gradients", of: graph)
    scratchpad.allocate()
    arena = Storage(byteCount: plan.memory.byteCount, .permanent)
    plan.bind(to: arena)
    report = lowering.report(plan)
    if !lowering.sums.isEmpty { try requireSameLaunches(on: ranks) }
    for sum in lowering.sums.values { sum.bind(to: ranks) }
  }

  /// Ranks sum gradients in the layouts in which they lie, which depend on the processor.
  private func requireSameLaunches(on ranks: any Communicator) throws(CPUError) {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for launch in launches {
      for byte in "\(launch.name) \(launch.variant) \(launch.byteCount)".utf8 {
        digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3
      }
    }
    guard ranks.areEqual(Int64(digest >> 1)) else {
      throw CPUError(
        action: "train on processors of several kinds",
        status: "the ranks would sum gradients in different layouts; take machines of one kind")
    }
  }

  private var variablePlaces: [String: StoredValue] {
    var found: [String: StoredValue] = [:]
    for (name, value) in graph.variables { found[name] = places[value] }
    return found
  }

  func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
    let byteCount = graph.inputs.map { graph.type(of: $0.value).byteCount }.reduce(0, +)
    try FreeMemory.require(count * byteCount, for: "\(count) staging slots", of: graph)
    return (0..<count).map { _ in HostStagingSlot(for: graph) }
  }

  func step(from slot: any StagingSlot) {
    bind(slot)
    for launch in launches { launch.run() }
  }

  private func bind(_ slot: any StagingSlot) {
    guard let slot = slot as? HostStagingSlot else {
      preconditionFailure("a step takes a slot that its session made")
    }
    lastSlot = slot
    for (position, input) in inputs.enumerated() {
      let bytes = slot.bytes(ofInputAt: position)
      precondition(bytes.count == input.byteCount, "a step takes a slot that its session made")
      input.pointer = bytes.baseAddress
    }
  }

  func profiledStep(from slot: any StagingSlot) -> () throws -> [TimedCommand] {
    bind(slot)
    var times = [now()]  // between two launches
    times.reserveCapacity(launches.count + 1)
    for launch in launches {
      launch.run()
      times.append(now())
    }
    return { [launches, launchWork] in
      launches.indices.map { index in
        TimedCommand(
          name: launches[index].name, track: .compute, launch: index,
          byteCount: launchWork[index].byteCount, start: times[index], end: times[index + 1])
      }
    }
  }

  func write(_ tensor: HostTensor, toVariable name: String) throws {
    let place = variable(name)
    precondition(place.type == tensor.type, "\(name) is \(place.type), not \(tensor.type)")
    try tensor.withUnsafeBytes { source in
      guard let address = source.baseAddress else { return }
      try copy(
        place.type, from: .plain, UnsafeMutableRawPointer(mutating: address), to: place.layout,
        place.storage.bytes())
    }
  }

  func read(variable name: String) throws -> HostTensor { try read(variable(name)) }

  func read(output name: String) throws -> HostTensor {
    guard let value = graph.output(named: name), let place = places[value] else {
      preconditionFailure("the graph has no output \(name)")
    }
    return try read(place)
  }

  private func variable(_ name: String) -> StoredValue {
    guard let value = graph.source(named: name),
      case .variable = graph.producer(of: value).operation,
      let place = places[value]
    else { preconditionFailure("the graph has no variable \(name)") }
    return place
  }

  private func read(_ place: StoredValue) throws -> HostTensor {
    var tensor = HostTensor(zeros: place.type)
    guard place.storage.pointer != nil else { return tensor }
    try tensor.withUnsafeMutableBytes { target in
      guard let address = target.baseAddress else { return }
      try copy(place.type, from: place.layout, place.storage.bytes(), to: .plain, address)
    }
    return tensor
  }

  private func copy(
    _ type: TensorType, from: Layout, _ source: UnsafeMutableRawPointer, to: Layout,
    _ target: UnsafeMutableRawPointer
  ) throws(CPUError) {
    if from == to {
      target.copyMemory(from: source, byteCount: type.byteCount)
      return
    }
    let scratchpad = Scratchpad()
    func value(_ layout: Layout, at pointer: UnsafeMutableRawPointer) -> StoredValue {
      let storage = Storage(byteCount: 0, .external)
      storage.pointer = pointer
      return StoredValue(type: type, layout: layout, storage: storage)
    }
    let primitive = try Primitive(
      reorder: value(from, at: source), to: value(to, at: target), engine, scratchpad: scratchpad)
    scratchpad.allocate()
    primitive.run()
  }
}
