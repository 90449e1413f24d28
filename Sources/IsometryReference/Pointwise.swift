internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  /// y = f(x), element by element.
  func map(_ function: (Scalar) -> Scalar) {
    let (x, y) = (inputs[0].elements, results[0].elements)
    for index in y.indices { y[index] = function(x[index]) }
  }

  /// y = f(a, b), element by element.
  func combine(_ function: (Scalar, Scalar) -> Scalar) {
    let (a, b, y) = (inputs[0].elements, inputs[1].elements, results[0].elements)
    for index in y.indices { y[index] = function(a[index], b[index]) }
  }

  /// y = f(x, s) with one number s for all elements.
  func mapWithScalar(_ function: (Scalar, Scalar) -> Scalar) {
    let scalar = inputs[1].elements[0]
    map { function($0, scalar) }
  }

  /// result += bias of the channel
  func addBias(_ bias: Tensor<Scalar>) {
    let y = results[0].elements
    let extents = ImageExtents(results[0].shape)
    for channel in 0..<extents.channels {
      let shift = bias.elements[channel]
      forEachPosition(of: channel, extents) { y[$0] += shift }
    }
  }
}
