/// Host memory that holds one step's inputs for the copy to a device. It is pinned if the device has
/// pinned memory. A session makes slots, and a data pipeline fills them.
public protocol StagingSlot: AnyObject, Sendable {
  /// The memory of one graph input, exactly as large as the input's packed elements.
  ///
  /// - Precondition: the graph has an input of that name.
  func bytes(of input: String) -> UnsafeMutableRawBufferPointer

  /// Whether the graph has an input of that name.
  func hasInput(_ name: String) -> Bool

  /// Blocks until the device has read the last submission from this slot. It returns at once if the
  /// slot was never submitted. Any thread may call it.
  func waitUntilReusable()
}
