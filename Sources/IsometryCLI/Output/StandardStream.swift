import Glibc
import IsometryFiles
import Synchronization

/// The streams that the program writes to, and the first failure of its output.
///
/// A stream that is closed or full must not end a run that has work to save, so nothing is thrown:
/// the program asks at its end whether all of standard output has arrived.
enum StandardStream {
  case output
  case error

  /// Takes the numbers of standard streams that were closed at the program's start, so that no file of
  /// a run gets one and with it what is printed. Nothing can be written there, which `write` finds.
  ///
  /// Called before any file is opened.
  static func takeClosed() {
    for descriptor in STDIN_FILENO...STDERR_FILENO
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest free number, and all below are taken.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  private static let failure = Atomic<Int32>(0)

  /// The reason why some standard output did not arrive; nil if all did, or if the
  /// reader has gone, who then wants no more.
  static var outputFailure: String? {
    let code = failure.load(ordering: .relaxed)
    return code == 0 || code == EPIPE ? nil : String(cString: strerror(code))
  }

  private var descriptor: Int32 { self == .output ? STDOUT_FILENO : STDERR_FILENO }

  /// Whether the stream is a terminal that takes more than plain text.
  var isTerminal: Bool {
    isatty(descriptor) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// Whether colors are shown: on a terminal, unless `$NO_COLOR` is set (https://no-color.org).
  var hasColors: Bool { isTerminal && getenv("NO_COLOR").map { $0.pointee != 0 } != true }

  func write(_ text: String) {
    let code = WholeFile.writeAll(Array(text.utf8), to: descriptor)
    guard self == .output, code != 0 else { return }
    // Only the first failure is reported.
    _ = Self.failure.compareExchange(expected: 0, desired: code, ordering: .relaxed)
  }
}
