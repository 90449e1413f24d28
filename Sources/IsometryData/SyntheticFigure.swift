/// The figure of a synthetic picture: a shape of one color, or a patch with a texture of two.
///
/// The raw value is the label.
enum SyntheticFigure: Int, CaseIterable {
  case disc, square, triangle, star, cross
  case stripes, checks, dots, rings, zigzag

  /// Whether the class is the texture instead of the outline.
  var isTexture: Bool { rawValue >= Self.stripes.rawValue }

  /// The signed distance of a point from a shape's outline, negative inside, in pixels. It is exact
  /// near the edge, where it smooths the edge, and a lower bound farther out.
  ///
  /// - Parameters:
  ///   - point: in the figure's axes, with its center at 0.
  ///   - radius: of the circle around the figure.
  func outline(_ point: SIMD2<Float>, radius: Float) -> Float {
    let x = abs(point.x)
    let y = abs(point.y)
    switch self {
    case .disc, .stripes, .checks, .dots, .rings, .zigzag:
      return (point.x * point.x + point.y * point.y).squareRoot() - 0.85 * radius
    case .square:
      return max(x, y) - 0.72 * radius
    case .triangle:
      let slanted = 0.866_025_4 * x + 0.5 * point.y
      return max(slanted, -point.y) - 0.55 * radius
    case .star:
      return Self.starDistance(point, radius: radius)
    case .cross:
      let arm = 0.3 * radius
      return min(max(x - radius, y - arm), max(x - arm, y - radius))
    }
  }

  /// The fraction of the second color at a point of a textured patch, from 0 to 1.
  ///
  /// - Parameters:
  ///   - point: in the figure's axes, in pixels.
  ///   - period: of the texture, in pixels.
  ///   - phase: the texture's offset, in periods.
  func texture(_ point: SIMD2<Float>, period: Float, phase: SIMD2<Float>) -> Float {
    let u = point.x / period + phase.x
    let v = point.y / period + phase.y
    switch self {
    case .disc, .square, .triangle, .star, .cross:
      return 0
    case .stripes:
      return Self.step(Self.wave(u) * period)
    case .checks:
      let product = Self.wave(u * 0.6) * Self.wave(v * 0.6)  // squares of 0.83 periods
      return Self.step(product * 4 * period)
    case .dots:
      let du = u - u.rounded(.down) - 0.5
      let dv = v - v.rounded(.down) - 0.5
      return Self.step((0.28 - (du * du + dv * dv).squareRoot()) * period)
    case .rings:
      let distance = (point.x * point.x + point.y * point.y).squareRoot()
      return Self.step(Self.wave(distance / period + phase.x) * period)
    case .zigzag:
      return Self.step(Self.wave(v + 1.6 * Self.wave(u * 0.5)) * period)
    }
  }

  /// A triangle wave of period 1 between −¼ and ¼.
  private static func wave(_ t: Float) -> Float {
    abs(t - t.rounded(.down) - 0.5) - 0.25
  }

  /// 0 below an edge, 1 above it, with a ramp one pixel wide.
  private static func step(_ distance: Float) -> Float {
    max(0, min(1, distance + 0.5))
  }

  /// The distance from a five-pointed star. Reflections fold the plane onto half a point of it.
  private static func starDistance(_ point: SIMD2<Float>, radius: Float) -> Float {
    let right = SIMD2<Float>(0.809_017, -0.587_785_24)
    let left = SIMD2<Float>(-0.809_017, -0.587_785_24)
    var p = SIMD2(abs(point.x), point.y)
    p -= 2 * max(dot(right, p), 0) * right
    p -= 2 * max(dot(left, p), 0) * left
    p.x = abs(p.x)
    p.y -= radius
    let edge = 0.45 * SIMD2<Float>(0.587_785_24, 0.809_017) - SIMD2<Float>(0, 1)
    let along = max(0, min(radius, dot(p, edge) / dot(edge, edge)))
    let off = p - along * edge
    let distance = dot(off, off).squareRoot()
    return p.y * edge.x - p.x * edge.y < 0 ? -distance : distance
  }

  private static func dot(_ a: SIMD2<Float>, _ b: SIMD2<Float>) -> Float {
    a.x * b.x + a.y * b.y
  }
}
