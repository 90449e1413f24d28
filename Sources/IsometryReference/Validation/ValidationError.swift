public import IsometryCore

/// A result of a device that differs from the reference's for the same inputs.
public struct ValidationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The backend's name.
  public let device: String
  /// The operation with its attributes, and the types of its inputs.
  public let operation: String
  /// The position among the operations of a step, from 0.
  public let position: Int
  /// `result 0`, or the variable that the operation writes.
  public let subject: String
  /// Shape and element type of the subject.
  public let type: TensorType
  /// The index of the element that is furthest off, along each axis.
  public let element: [Int]
  /// The element as the device computed it.
  public let found: Double
  /// The element as the reference computes it in double precision.
  public let expected: Double
  /// The difference over the bound of rounding; NaN if only one of both is NaN.
  public let ratio: Double

  public var description: String {
    "\(device) computes \(operation) wrongly (operation \(position) of the step): "
      + "element \(element) of \(subject), \(type), is \(found) and not \(expected), "
      + "\(ratio) times what rounding explains"
  }
}
