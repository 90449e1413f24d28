import IsometryTheory
import Testing

@Suite struct TheoryErrorTests {
  @Test func saysWhatIsLegal() {
    let error = TheoryError.outsideDomain(parameter: "c", value: -1, expected: "0 or above")
    #expect("\(error)" == "c is -1, but must be 0 or above")
    let depth = TheoryError.outsideDomain(parameter: "the depth", value: 1e8, expected: "1 to 10")
    #expect("\(depth)" == "the depth is 100000000, but must be 1 to 10")
    let fraction = TheoryError.outsideDomain(parameter: "p", value: 1.5, expected: "at most 1")
    #expect("\(fraction)" == "p is 1.5, but must be at most 1")
    let infinite = TheoryError.outsideDomain(parameter: "q", value: .infinity, expected: "finite")
    #expect("\(infinite)" == "q is inf, but must be finite")
  }
}
