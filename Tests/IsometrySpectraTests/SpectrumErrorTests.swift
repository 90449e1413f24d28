import IsometrySpectra
import Testing

@Suite struct SpectrumErrorTests {
  @Test func namesTheRoutine() {
    let error = SpectrumError.notConverged(routine: "dgesdd", info: 2)
    #expect("\(error)".contains("dgesdd") && "\(error)".contains("info 2"))
  }
}
