/// What a driver does with its events; the handles are its own.
///
/// Implementations are thread-safe.
public protocol EventDriver: AnyObject, Sendable {
  /// Makes one more owner of an event.
  func retain(_ event: OpaquePointer) throws
  /// Ends an owner of an event.
  func release(_ event: OpaquePointer)
  /// Blocks until the command has finished; throws also if it failed on the device.
  func wait(_ event: OpaquePointer) throws
  /// Whether the command has finished or failed.
  func isComplete(_ event: OpaquePointer) throws -> Bool
  /// The times at which the device began and ended the command, in seconds of the driver's clock.
  func interval(_ event: OpaquePointer) throws -> ClosedRange<Double>
  /// The times at which the host enqueued and submitted the command, in seconds of the same clock.
  func preparation(_ event: OpaquePointer) throws -> (queued: Double, submitted: Double)
  /// The seconds from the end of one command to the end of another.
  func seconds(from first: OpaquePointer, to second: OpaquePointer) throws -> Double
}

/// The completion of one enqueued command.
///
/// It owns only the driver's object and no other memory, so that a step can make and store events without
/// allocating. `shared` makes a second owner.
///
/// Sendable: the handle never changes, and the driver's calls on events are thread-safe.
public struct Event: ~Copyable, @unchecked Sendable {
  package let handle: OpaquePointer
  private let driver: any EventDriver

  /// Takes over an owner of a driver's event.
  package init(handle: OpaquePointer, driver: any EventDriver) {
    self.handle = handle
    self.driver = driver
  }

  deinit { driver.release(handle) }

  /// Another owner of the same completion.
  public func shared() throws -> Event {
    try driver.retain(handle)
    return Event(handle: handle, driver: driver)
  }

  /// Blocks until the command has finished.
  ///
  /// - Throws: also if the command failed on the device.
  public func wait() throws { try driver.wait(handle) }

  /// Whether the command has finished or failed.
  public var isComplete: Bool { get throws { try driver.isComplete(handle) } }

  /// The device time of the command, in seconds.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var duration: Double {
    get throws {
      let interval = try interval
      return interval.upperBound - interval.lowerBound
    }
  }

  /// The times at which the device began and ended the command, in seconds of the device's clock.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var interval: ClosedRange<Double> { get throws { try driver.interval(handle) } }

  /// The times at which the host enqueued the command and submitted it to the device, in seconds of the
  /// same clock.
  ///
  /// - Throws: if the queue does not profile or the command has not finished.
  public var preparation: (queued: Double, submitted: Double) {
    get throws { try driver.preparation(handle) }
  }

  /// The seconds from the end of an earlier command of the same driver to the end of this one.
  ///
  /// - Throws: if a queue does not profile or a command has not finished.
  public func seconds(after earlier: borrowing Event) throws -> Double {
    try driver.seconds(from: earlier.handle, to: handle)
  }
}
