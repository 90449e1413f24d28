import IsometryCore
import Testing

@Suite struct ExplanationTests {
  private static let batch = Term("batch")
  private static let rate = Term("learningRate")

  private static func option(_ term: Term) -> String? { term == batch ? "--batch" : nil }

  @Test func termsHaveTheNamesOfTheLibraryOrOfAProgram() {
    let text: Explanation = "use a \(Self.batch) of \(8), or another \(Self.rate)"
    #expect(text.description == "use a batch of 8, or another learningRate")
    #expect(text.text(naming: Self.option) == "use a --batch of 8, or another learningRate")
  }

  @Test func hintsAreForProgramsAlone() {
    let text: Explanation = "use a smaller batch\(hint: Self.batch), or wait\(hint: Self.rate)"
    #expect(text.description == "use a smaller batch, or wait")
    #expect(text.text(naming: Self.option) == "use a smaller batch (--batch), or wait")
  }

  private struct Trouble: ExplainedError {
    let explanation: Explanation
  }

  @Test func textsAndErrorsKeepTheirTerms() {
    let error: any Error = Trouble(explanation: "the \(Self.batch) is too large")
    var text: Explanation = "no step: \(error)"
    text += "; use another \(Self.batch)"
    #expect("\(error)" == "the batch is too large")
    #expect(
      text.text(naming: Self.option)
        == "no step: the --batch is too large; use another --batch")
  }
}

@Suite struct PrecisionTests {
  @Test func tf32RoundsProductsOfFP32() {
    #expect(Precision.tf32.dtype == .float32 && Precision.fp32.dtype == .float32)
    #expect(Precision.tf32.epsilon == 0x1p-10)
    for precision in Precision.allCases where precision != .tf32 {
      #expect(precision.rawValue == precision.dtype.rawValue)
      #expect(precision.epsilon == precision.dtype.epsilon)
    }
  }
}
