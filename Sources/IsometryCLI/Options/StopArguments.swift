import ArgumentParser
import Glibc
import IsometryTraining

/// The options that end a command before its run is done, so that a launcher can start it again.
struct StopArguments: ParsableArguments {
  /// `EX_TEMPFAIL`: the run is saved, and the same command or `--resume` continues it.
  static let unfinishedCode: Int32 = 75

  /// A signal by which a launcher announces that a job will end.
  enum LauncherSignal: String, CaseIterable, ExpressibleByArgument {
    case usr1 = "USR1"
    case usr2 = "USR2"
    case term = "TERM"
    case xcpu = "XCPU"

    /// With or without `SIG`.
    init?(argument: String) {
      let name = argument.uppercased()
      self.init(rawValue: String(name.hasPrefix("SIG") ? name.dropFirst(3) : name[...]))
    }

    var number: Int32 {
      switch self {
      case .usr1: SIGUSR1
      case .usr2: SIGUSR2
      case .term: SIGTERM
      case .xcpu: SIGXCPU
      }
    }
  }

  @Option(
    help: ArgumentHelp(
      """
      The signal by which a launcher announces the end of a job, as Slurm does with sbatch \
      --signal. The run is saved, and the exit code is \(Self.unfinishedCode): start the job again. \
      (default: the exit code is 128 + the number of the signal)
      """, valueName: "name"))
  var signal: LauncherSignal?

  @Option(
    help: ArgumentHelp(
      """
      Stop this number of minutes after the start, and save the run. The exit code is \(Self.unfinishedCode). \
      (default: no limit)
      """, valueName: "minutes"))
  var maxTime: Double?

  func validate() throws {
    if let maxTime, !(maxTime > 0 && maxTime <= 1e7) {
      throw ValidationError("--max-time should be a number of minutes above 0, not \(maxTime)")
    }
  }

  /// Installs the handler of signals, and starts the time.
  func request() -> StopRequest {
    let stop = InterruptHandler.install()
    if let maxTime { stop.request(after: .seconds(60 * maxTime)) }
    return stop
  }

  /// The exit code of a run that a request has stopped.
  func exitCode(of stop: StopRequest) -> Int32 {
    guard let number = stop.requestingSignal, number != signal?.number else {
      return Self.unfinishedCode
    }
    // As a shell reports a program that a signal ended.
    return 128 + number
  }
}
