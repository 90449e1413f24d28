/// Host memory from which one step's inputs travel to a device: pinned memory where the device has
/// such, plain memory elsewhere. A data pipeline fills slots that a session made.
public protocol StagingSlot: AnyObject, Sendable {
  /// The memory of one graph input, exactly as large as the input's packed elements.
  ///
  /// - Precondition: the graph has an input of that name.
  func bytes(of input: String) -> UnsafeMutableRawBufferPointer

  /// Blocks until the device has taken what was last submitted from this slot; returns at once for a
  /// slot that was never submitted. May be called from any thread.
  func waitUntilReusable()
}
