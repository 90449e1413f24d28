/// A reason why the processes of a launcher cannot work together.
public enum CommunicationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A launcher started the process, and the package was built without MPI.
  case builtWithout(Launcher)
  /// MPI did not start.
  case notStarted(reason: String)
  /// The launcher started other processes, and MPI does not connect them.
  case notConnected(Launcher)

  public var description: String {
    switch self {
    case .builtWithout(let launcher):
      """
      \(launcher.name) started \(launcher.size) processes, and this program was built without MPI; run \
      scripts/setup --mpi and build it again, or start one process
      """
    case .notStarted(let reason): "MPI does not start: \(reason)"
    case .notConnected(let launcher):
      """
      \(launcher.name) started \(launcher.size) processes, and MPI sees this one alone; use the mpirun of the library \
      of the build, or srun --mpi=pmix
      """
    }
  }
}
