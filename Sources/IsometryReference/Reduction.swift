internal import IsometryCore
internal import IsometryGraph

// Sums are kept in double precision, so that the length of a sum does not show.
extension NodeExecution {
  func sum() {
    var total = 0.0
    for element in inputs[0].elements { total += Double(element) }
    results[0].elements[0] = Scalar(total)
  }

  func dot() {
    let (x, y) = (inputs[0].elements, inputs[1].elements)
    var total = 0.0
    for index in x.indices { total += Double(x[index]) * Double(y[index]) }
    results[0].elements[0] = Scalar(total)
  }

  func norm() {
    var total = 0.0
    for input in inputs {
      for element in input.elements { total += Double(element) * Double(element) }
    }
    results[0].elements[0] = Scalar(total.squareRoot())
  }

  /// sums[c] = Σ over all axes of x but the channel
  func sumChannels(of x: Tensor<Scalar>, into sums: Tensor<Scalar>) {
    let extents = ImageExtents(x.shape)
    for channel in 0..<extents.channels {
      var total = 0.0
      forEachPosition(of: channel, extents) { total += Double(x.elements[$0]) }
      sums.elements[channel] = Scalar(total)
    }
  }

  func broadcastChannels() {
    results[0].elements.update(repeating: 0)
    addBias(inputs[0])
  }
}
