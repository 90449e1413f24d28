import IsometryTheory
import Testing

@Suite struct TheoryErrorTests {
  @Test func saysWhatIsLegal() {
    let error = TheoryError.outsideDomain(parameter: "c", value: -1, expected: "0 or above")
    #expect("\(error)" == "c is -1.0, but must be 0 or above")
  }
}
