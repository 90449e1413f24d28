import ArgumentParser
import Foundation
import IsometryCPU
import IsometryCommunication

/// The processes that a launcher started for a command.
struct RankGroup: Sendable {
  /// Seconds in which rank 0 reports an error before another rank does.
  private static let errorGrace = 3.0

  /// The launcher, if it started more than this process.
  let launcher: Launcher?
  private(set) var communicator: any Communicator = SingleProcess()
  private var mpi: MPICommunicator?
  private(set) var logsAllRanks = false

  init(_ launcher: Launcher?) { self.launcher = launcher }

  /// Starts MPI for a command that ranks run together, and divides the processors among them.
  ///
  /// - Throws: `CommunicationError`; `UsageError` for a command that one process runs.
  mutating func start(for command: any ParsableCommand, named name: String) throws {
    guard let launcher else { return }
    guard let command = command as? any RankedCommand else {
      throw UsageError(
        name, "runs in one process, and \(launcher.name) started \(launcher.size); start it alone")
    }
    guard MPICommunicator.isAvailable else { throw CommunicationError.builtWithout(launcher) }
    let mpi = try MPICommunicator()
    self.mpi = mpi
    guard mpi.size > 1 else { throw CommunicationError.notConnected(launcher) }
    mpi.setTimeout(seconds: command.ranks.mpiTimeout ?? RankArguments.defaultTimeout)
    communicator = mpi
    logsAllRanks = command.ranks.logAllRanks
    ProcessorShare.take(among: mpi)
  }

  /// The name of a rank's machine.
  func host(ofRank rank: Int) -> String { mpi?.host(ofRank: rank) ?? "localhost" }

  /// Waits for the other ranks at the end of a command.
  func finish() {
    _ = mpi?.finish(within: .greatestFiniteMagnitude)
  }

  /// Reports an error. All ranks may have it; then rank 0 reports it alone. If not, it ends the others.
  func report(_ failure: Failure) -> Int32 {
    guard let launcher else { return failure.report() }
    if (mpi?.rank ?? launcher.rank) == 0 {
      let code = failure.report()
      if let mpi, !mpi.finish(within: Self.errorGrace) { mpi.abort(code: code) }
      return code
    }
    if let mpi {
      if mpi.finish(within: Self.errorGrace) { return failure.code }
    } else {
      // The launcher ends this process if rank 0 ends.
      Thread.sleep(forTimeInterval: Self.errorGrace)
    }
    let code = failure.report(prefix: "rank \(mpi?.rank ?? launcher.rank): ")
    mpi?.abort(code: code)
    return code
  }
}
