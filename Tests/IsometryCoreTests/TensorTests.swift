import IsometryCore
import Testing

@Suite struct TensorTests {
  @Test func shapesCountTheirElements() {
    let shape: Shape = [2, 3, 4, 5]
    #expect(shape.rank == 4)
    #expect(shape.elementCount == 120)
    #expect(shape.elementCount(from: 2) == 20)
    #expect(shape.elementCount(from: 4) == 1)
    #expect(shape[1] == 3)
    #expect(shape.replacing(axis: 1, with: 7) == [2, 7, 4, 5])
    #expect(shape.description == "[2, 3, 4, 5]")
  }

  @Test func typesKnowTheirSizeAndAccumulator() {
    #expect(TensorType([3, 5], .bfloat16).byteCount == 30)
    #expect(TensorType([3, 5], .float64).byteCount == 120)
    #expect(TensorType([3], .bfloat16).description == "bf16[3]")
    #expect(
      DType.allCases.map(\.accumulator) == [.float32, .float64, .float32, .float32, .uint8, .int32])
    #expect(DType.allCases.filter(\.isFloatingPoint).count == 4)
    #expect(DType(rawValue: "bf16") == .bfloat16)
  }

  /// 1 + ε is the next number after 1, and 1 + ε/2 is rounded back to 1.
  @Test(arguments: [DType.float32, .float64, .bfloat16, .float16])
  func epsilonIsTheDistanceToTheNextNumber(dtype: DType) {
    let next = HostTensor([2], [1 + dtype.epsilon, 1 + dtype.epsilon / 2], as: dtype)
    #expect(next.doubles == [1 + dtype.epsilon, 1])
  }

  @Test(arguments: [DType.float32, .float64, .bfloat16, .float16])
  func tensorsHoldNumbersOfTheirType(dtype: DType) {
    let elements = [0, -1, 0.5, 256, -0.0078125]
    let tensor = HostTensor([5], elements, as: dtype)
    #expect(tensor.doubles == elements)
    #expect(tensor.floats == elements.map { Float($0) })
    #expect(tensor.bytes.count == 5 * dtype.byteCount)
    #expect(HostTensor([5], tensor.doubles, as: dtype) == tensor)
    #expect(HostTensor(tensor.type, bytes: tensor.bytes) == tensor)
    #expect(HostTensor(zeros: tensor.type).doubles == [0, 0, 0, 0, 0])
  }

  @Test func roundingHappensOnce() {
    // 1 + 2⁻⁸ lies in the middle between two bf16 numbers; the even one is 1.
    #expect(HostTensor([1], [1 + 0x1p-8], as: .bfloat16).scalar == 1)
    #expect(HostTensor([1], [1 + 0x1p-8 + 0x1p-20], as: .bfloat16).scalar == 1 + 0x1p-7)
  }

  @Test func wholeNumbersStayWhole() {
    let labels = HostTensor([3], [-1, 7, .max])
    #expect(labels.integers == [-1, 7, Int(Int32.max)])
    #expect(labels.doubles == [-1, 7, Double(Int32.max)])
    let bytes = HostTensor(TensorType([2], .uint8), bytes: [0, 255])
    #expect(bytes.integers == [0, 255])
    #expect(bytes.floats == [0, 255])
  }

  @Test func bytesCanBeWrittenInPlace() {
    var tensor = HostTensor(zeros: TensorType([2], .float32))
    tensor.withUnsafeMutableBytes { $0.storeBytes(of: 2.5, toByteOffset: 4, as: Float.self) }
    #expect(tensor.floats == [0, 2.5])
    let last = tensor.withUnsafeBytes { $0.load(fromByteOffset: 4, as: Float.self) }
    #expect(last == 2.5)
  }
}
