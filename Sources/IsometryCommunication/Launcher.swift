/// The launcher that started the process together with others, as its variables of the environment say.
public struct Launcher: Sendable, Equatable {
  /// The program, for messages.
  public let name: String
  /// The number of processes that it started; more than 1.
  public let size: Int
  /// The number of this process among them.
  public let rank: Int

  private static let known = [
    ("mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("mpiexec", "PMI_SIZE", "PMI_RANK"),
    // Unlike SLURM_NTASKS, srun alone sets it: a batch script has one process.
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
  ]

  /// nil for a process that was started alone.
  public init?(_ environment: [String: String]) {
    for (name, sizeName, rankName) in Self.known {
      guard let size = environment[sizeName].flatMap({ Int($0) }),
        let rank = environment[rankName].flatMap({ Int($0) }), size > 1
      else { continue }
      self.name = name
      self.size = size
      self.rank = rank
      return
    }
    return nil
  }
}
