import IsometryCore
import TestSupport
import Testing

/// Exact dynamical isometry in fp32 on every backend, as graphs are launched.
@Suite struct IsometryTests {
  @Test(arguments: IsometryCase.all, BackendUnderTest.all.filter(\.isFusing))
  func singularValuesAreOneOrZero(subject: IsometryCase, backend: BackendUnderTest) throws {
    let jacobian = try subject.jacobian(on: backend, precision: .float32, imageSeed: 1)
    #expect(subject.deviation(of: jacobian.singularValues) < 1e-4)
  }
}
