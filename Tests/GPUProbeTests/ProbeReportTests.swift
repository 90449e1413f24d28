import IsometryFiles
import Testing

@testable import GPUProbe

@Suite
struct ProbeReportTests {
  private let report: ProbeReport = {
    var answer = Answer(value: .measured(1234.567, unit: "GB/s"))
    answer.add("buffer", 128, "MiB")
    return ProbeReport(
      name: "some-device", facts: [("device", "Some \"Device\""), ("os", "x")],
      entries: [
        .init(key: "copy", question: "How fast?", answer: answer),
        .init(key: "ptx", question: "Which?", answer: Answer(value: .notApplicable("none\there"))),
      ])
  }()

  @Test func numbersAreWrittenAsPeopleDo() {
    #expect(fourDigits(0) == "0")
    #expect(fourDigits(128) == "128")
    #expect(fourDigits(48_000) == "48000")
    #expect(fourDigits(1.23456) == "1.235")
    #expect(fourDigits(12.3456) == "12.35")
    #expect(fourDigits(999.96) == "1000.0")
    #expect(fourDigits(1234.567) == "1235")
    #expect(fourDigits(0.0607) == "0.0607")
    #expect(fourDigits(-2.5) == "-2.500")
    #expect(fourDigits(1.0004) == "1.000")
    #expect(fourDigits(.infinity) == "inf")
  }

  @Test func textAlignsWhatBelongsTogether() {
    #expect(
      report.text == """
        OpenCL probe: some-device

        device  Some "Device"
        os      x

        How fast?
          → 1235 GB/s
            buffer  128 MiB

        Which?
          → not applicable: none\there

        """)
  }

  @Test func jsonKeepsOrderAndEscapes() {
    #expect(
      report.json.indented == #"""
        {
          "name": "some-device",
          "facts": {
            "device": "Some \"Device\"",
            "os": "x"
          },
          "answers": [
            {
              "key": "copy",
              "question": "How fast?",
              "answer": 1234.567,
              "unit": "GB/s",
              "details": {
                "buffer": {
                  "answer": 128.0,
                  "unit": "MiB"
                }
              }
            },
            {
              "key": "ptx",
              "question": "Which?",
              "answer": null,
              "notApplicable": "none\there"
            }
          ]
        }
        """#)
  }
}
