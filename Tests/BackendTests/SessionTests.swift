import IsometryCore
import IsometryGraph
import TestSupport
import Testing

/// What every backend's sessions promise beside the arithmetic.
@Suite struct SessionTests {
  /// counter ← counter + increment; double = 2·counter before the step.
  private func makeCounter(_ shape: Shape = [3]) -> Graph {
    var graph = Graph()
    let counter = graph.variable("counter", shape)
    let increment = graph.input("increment", shape)
    graph.output("double", graph.scale(counter, by: 2))
    graph.append(.accumulate(count: 1), [counter, increment])
    return graph
  }

  @Test(arguments: BackendUnderTest.all)
  func variablesStartAsZerosAndKeepWhatIsWritten(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 1)
    var graph = Graph()
    var tensors: [String: HostTensor] = [:]
    // Convolution weights and images among them: backends keep those in layouts of their own.
    let shapes: [Shape] = [[1], [7], [5, 3], [17, 3, 3, 5], [1, 33, 1, 1], [16, 16, 3, 3]]
    for shape in shapes {
      for dtype in subject.supported([.float32, .bfloat16, .float16]) {
        let name = "\(dtype.rawValue) \(shape)"
        let value = graph.variable(name, shape, dtype)
        graph.output("negative \(name)", graph.scale(value, by: -1))
        tensors[name] = HostTensor(
          shape, experiment.draw(.normal(), shape.elementCount), as: dtype)
      }
    }
    for convolution in [Convolution(padding: .init(1)), Convolution(stride: .init(2))] {
      let x = graph.input("x \(convolution)", [1, 16, 8, 8])
      let y = graph.convolve(
        x, with: graph.variable("fp32 [16, 16, 3, 3]", [16, 16, 3, 3]), convolution)
      graph.output("y \(convolution)", y)
    }
    let session = try subject.makeSession(for: graph)
    for (name, tensor) in tensors {
      #expect(try session.read(variable: name) == HostTensor(zeros: tensor.type))
      try session.write(tensor, toVariable: name)
    }
    for (name, tensor) in tensors { #expect(try session.read(variable: name) == tensor) }
    let inputs = Dictionary(
      uniqueKeysWithValues: graph.inputs.map {
        ($0.name, HostTensor(zeros: graph.type(of: $0.value)))
      })
    try session.run(inputs)
    for (name, tensor) in tensors {
      #expect(try session.read(variable: name) == tensor)
      #expect(try session.read(output: "negative \(name)").doubles == tensor.doubles.map { -$0 })
    }
  }

  @Test(arguments: BackendUnderTest.all)
  func stepsTakeTheirInputsFromTheSlotInOrder(subject: BackendUnderTest) throws {
    let session = try subject.makeSession(for: makeCounter())
    let slots = try session.makeStagingSlots(3)
    var expected: [Float] = [0, 0, 0]
    for step in 0..<20 {
      let slot = slots[step % slots.count]
      slot.waitUntilReusable()
      let bytes = slot.bytes(of: "increment")
      #expect(bytes.count == 12)
      for index in 0..<3 {
        let increment = Float(step * (index + 1))
        bytes.storeBytes(of: increment, toByteOffset: 4 * index, as: Float.self)
        if step < 19 { expected[index] += increment }
      }
      try session.step(from: slot)
    }
    // The output is of the last step, the variable has its increment too.
    #expect(try session.read(output: "double").floats == expected.map { 2 * $0 })
    let last = expected.enumerated().map { $1 + Float(19 * ($0 + 1)) }
    #expect(try session.read(variable: "counter").floats == last)
  }

  @Test(arguments: BackendUnderTest.all)
  func aReadIsOfTheStateWhenItBegan(subject: BackendUnderTest) throws {
    let session = try subject.makeSession(for: makeCounter())
    let ones = ["increment": HostTensor([3], [1, 1, 1] as [Float])]
    try session.run(ones)
    let read = try session.beginReading(variable: "counter")
    try session.run(ones)
    try session.run(ones)
    #expect(try read.wait().floats == [1, 1, 1])
    #expect(read.isComplete)
    #expect(try session.read(variable: "counter").floats == [3, 3, 3])
  }

  @Test(arguments: BackendUnderTest.all)
  func sessionsCanShareTheirVariables(subject: BackendUnderTest) throws {
    let training = try subject.makeSession(for: makeCounter([16, 3, 3, 3]))
    var graph = Graph()
    let counter = graph.variable("counter", [16, 3, 3, 3])
    graph.output("sum", graph.sum(counter))
    graph.append(.accumulate(count: 1), [graph.variable("own", [16, 3, 3, 3]), counter])
    let evaluation = try subject.makeSession(for: graph, sharing: training)
    let ones = [Float](repeating: 1, count: 432)
    for count in 1...3 {
      try training.run(["increment": HostTensor([16, 3, 3, 3], ones)])
      try evaluation.run()
      #expect(try evaluation.read(output: "sum").scalar == Double(432 * count))
    }
    #expect(try evaluation.read(variable: "own").floats == ones.map { 6 * $0 })
    try evaluation.write(HostTensor([16, 3, 3, 3], ones), toVariable: "counter")
    #expect(try training.read(variable: "counter").floats == ones)
  }

  /// One session keeps a tensor as an image and another as weights; a third takes both at once.
  @Test(arguments: BackendUnderTest.all)
  func sharedVariablesMayHaveDifferentLayouts(subject: BackendUnderTest) throws {
    let shape: Shape = [16, 16, 3, 3]
    var first = Graph()
    let image = first.variable("image", shape)
    let weight = first.variable("weight", shape)
    first.output("sums", first.channelSum(image))
    first.output("y", first.convolve(first.input("x", [1, 16, 5, 5]), with: weight))
    var second = Graph()
    let difference = second.subtract(
      second.variable("image", shape), second.variable("weight", shape))
    second.output("difference", difference)
    second.append(.accumulate(count: 1), [second.variable("image", shape), difference])
    let owner = try subject.makeSession(for: first)
    let sharer = try subject.makeSession(for: second, sharing: owner)
    let elements = (0..<shape.elementCount).map { Float($0) }
    try owner.write(HostTensor(shape, elements), toVariable: "image")
    try owner.write(HostTensor(shape, elements.map { $0 / 2 }), toVariable: "weight")
    try sharer.run()
    #expect(try sharer.read(output: "difference").floats == elements.map { $0 / 2 })
    #expect(try owner.read(variable: "image").floats == elements.map { $0 * 3 / 2 })
    #expect(try sharer.read(variable: "weight").floats == elements.map { $0 / 2 })
  }

  @Test(arguments: BackendUnderTest.all)
  func anInputThatNothingReadsIsTaken(subject: BackendUnderTest) throws {
    var graph = Graph()
    let x = graph.input("x", [4])
    _ = graph.input("unread", [2, 3], .int32)
    graph.output("y", graph.scale(x, by: 3))
    let session = try subject.makeSession(for: graph)
    try session.run([
      "x": HostTensor([4], [1, 2, 3, 4] as [Float]),
      "unread": HostTensor([2, 3], [1, 2, 3, 4, 5, 6]),
    ])
    #expect(try session.read(output: "y").floats == [3, 6, 9, 12])
  }

  /// An output can be an input, a variable, or the result of a reshape, and have two names.
  @Test(arguments: BackendUnderTest.all)
  func anyValueCanBeAnOutput(subject: BackendUnderTest) throws {
    var graph = Graph()
    let x = graph.input("x", [1, 2, 2, 3])
    let weight = graph.variable("weight", [2, 2])
    let flat = graph.reshape(x, to: [2, 6])
    for (name, value) in [("x", x), ("weight", weight), ("flat", flat), ("again", flat)] {
      graph.output(name, value)
    }
    let session = try subject.makeSession(for: graph)
    let elements = (0..<12).map { Float($0) }
    try session.write(HostTensor([2, 2], [4, 3, 2, 1] as [Float]), toVariable: "weight")
    try session.run(["x": HostTensor([1, 2, 2, 3], elements)])
    #expect(try session.read(output: "x") == HostTensor([1, 2, 2, 3], elements))
    #expect(try session.read(output: "weight").floats == [4, 3, 2, 1])
    #expect(try session.read(output: "flat") == HostTensor([2, 6], elements))
    #expect(try session.read(output: "again") == HostTensor([2, 6], elements))
  }

  /// A reshape is a value of its own: what it was when the step read the variable, also where it shares
  /// the variable's memory and updates come after it.
  @Test(arguments: BackendUnderTest.all)
  func aReshapeKeepsWhatAnUpdateChanges(subject: BackendUnderTest) throws {
    for shape in [[2, 3], [2, 16, 3, 3]] as [Shape] {
      let count = shape.elementCount
      var graph = Graph()
      let variable = graph.variable("variable", shape)
      let increment = graph.input("increment", shape)
      let flat = graph.reshape(variable, to: [count])
      let column = graph.reshape(flat, to: [count, 1])
      graph.output("flat", flat)
      graph.output("column", column)
      graph.output("input", graph.reshape(increment, to: [1, count]))
      graph.append(.accumulate(count: 1), [variable, increment])
      graph.append(.accumulate(count: 1), [graph.variable("sum", [count, 1]), column])
      let session = try subject.makeSession(for: graph)
      let elements = (1...count).map { Float($0) }
      for step in 0..<3 {
        try session.run(["increment": HostTensor(shape, elements)])
        let before = elements.map { Float(step) * $0 }
        #expect(try session.read(output: "flat") == HostTensor([count], before))
        #expect(try session.read(output: "column") == HostTensor([count, 1], before))
        #expect(try session.read(output: "input") == HostTensor([1, count], elements))
        #expect(
          try session.read(variable: "variable").floats == elements.map { Float(step + 1) * $0 })
      }
      #expect(try session.read(variable: "sum").floats == elements.map { 3 * $0 })
    }
  }

  @Test(arguments: BackendUnderTest.all)
  func reportsCountLaunchesAndBytes(subject: BackendUnderTest) throws {
    let graph = makeCounter([16, 3, 3, 3])
    let session = try subject.makeSession(for: graph)
    let report = session.report
    #expect(report.launchesPerStep >= 2)
    #expect(report.launches.allSatisfy { !$0.isEmpty })
    #expect(report.variableBytes >= 4 * 432)
    #expect(report.peakBytes >= report.variableBytes + 4 * 432)
    let slots = try session.makeStagingSlots(3)
    // Devices with memory of their own have the slots' contents twice.
    let staging = session.report.peakBytes - report.peakBytes
    #expect(staging == 0 || staging >= 3 * 4 * 432)
    #expect(slots.count == 3)
  }

  @Test(arguments: BackendUnderTest.all)
  func graphsThatBreakARuleAreRefused(subject: BackendUnderTest) {
    var graph = Graph()
    let x = graph.input("x", [3])
    graph.append(.accumulate(count: 1), [x, x])
    #expect(throws: GraphVerificationError.self) {
      try subject.backend.bind(graph, sharing: nil)
    }
  }

  @Test(arguments: BackendUnderTest.all)
  func wholeNumbersAreNoPrecision(subject: BackendUnderTest) {
    #expect(throws: Never.self) { try subject.backend.requireSupport(for: .float32) }
    #expect(throws: UnsupportedPrecision.self) { try subject.backend.requireSupport(for: .int32) }
    #expect(throws: UnsupportedPrecision.self) { try subject.backend.requireSupport(for: .uint8) }
  }
}
