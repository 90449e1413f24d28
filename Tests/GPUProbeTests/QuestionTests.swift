import OpenCLRuntime
import Testing

@testable import GPUProbe

@Suite
struct QuestionTests {
  @Test func keysAreUnique() {
    #expect(Set(Question.all.map(\.key)).count == Question.all.count)
  }

  @Test func namesAreFitForFiles() {
    #expect(slug("NVIDIA H200 NVL (rev. 2)") == "nvidia-h200-nvl-rev-2")
  }

  // Exact in any order: every product and partial sum is a multiple of 1/64 below 2²⁴/64.
  @Test func tileExampleIsExactInSinglePrecision() {
    let example = tileExample()
    func float(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }
    for m in 0..<16 {
      for n in 0..<8 {
        var sum: Float = 0
        for k in (0..<16).reversed() {
          sum += float(example.a[m * 16 + k]) * float(example.b[n * 16 + k])
        }
        #expect(Double(sum) == example.product[m * 8 + n])
      }
    }
    #expect(Set(example.product).count > 32)
  }

  @Test func patchingChangesTheTargetAndOneEntry() {
    let text = """
      .version 8.4
      .target sm_90, texmode_independent
      .entry probe_touch(
        .param .u64 .ptr .global .align 4 probe_touch_param_0
      )
      {
      	ret;
      }
      .entry probe_copy()
      {
      	ret;
      }
      """
    let patched = forWarpgroups(text, inserting: "probe_touch")
    #expect(patched.contains(".target sm_90a, texmode_independent"))
    #expect(patched.contains("\twgmma.fence.sync.aligned;\n\tret;\n}\n.entry probe_copy"))
    #expect(patched.split(separator: "wgmma").count == 2)
    #expect(forWarpgroups(patched, inserting: nil) == patched)
  }

  @Test(
    .enabled(if: (try? Device.all())?.isEmpty == false, "no OpenCL device on this machine"),
    arguments: Question.all.map(\.key))
  func everyQuestionIsAnswered(key: String) throws {
    let device = try #require(Device.all().first)
    let question = try #require(Question.all.first { $0.key == key })
    switch question.answer(from: device, effort: .quick).value {
    case .failed(let reason): Issue.record("\(key): \(reason)")
    case .measured(let number, _): #expect(number > 0 && number.isFinite)
    case .notApplicable(let reason): #expect(!reason.isEmpty)
    case .yes, .no, .text: break
    }
  }
}
