internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  /// The gradient of each unit, scaled down to a share of the unit's norm.
  func clip(_ clip: AdaptiveClip) {
    let scale = clip.hasGradientScale ? Double(inputs[0].elements[0]) : 1
    for (position, result) in results.enumerated() {
      let parameter = inputs[clip.headerCount + 2 * position].elements
      let gradient = inputs[clip.headerCount + 2 * position + 1].elements
      let units = AdaptiveClip.units(of: result.shape)
      for unit in 0..<units.count {
        let range = unit * units.length..<(unit + 1) * units.length
        var (size, norm) = (0.0, 0.0)
        for index in range {
          size += Double(parameter[index]) * Double(parameter[index])
          norm += Double(gradient[index]) * Double(gradient[index])
        }
        let limit = clip.limit(size: size.squareRoot())
        norm = norm.squareRoot() * scale
        let share = norm <= limit ? 1 : limit / norm
        for index in range { result.elements[index] = gradient[index] * Scalar(share) }
      }
    }
  }
}
