import IsometryCommunication
import Testing

@Suite struct CommunicationTests {
  @Test func launchersAreKnownByTheirVariables() {
    #expect(Launcher([:]) == nil)
    #expect(Launcher(["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"]) == nil)
    // A batch script, which srun did not start.
    #expect(Launcher(["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]) == nil)
    for (name, size, rank) in [
      ("mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
      ("mpiexec", "PMI_SIZE", "PMI_RANK"), ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ] {
      let launcher = Launcher([size: "4", rank: "3"])
      #expect(launcher?.name == name && launcher?.size == 4 && launcher?.rank == 3)
    }
  }

  @Test func aProcessAloneIsItsOwnSum() {
    let alone = SingleProcess()
    #expect(alone.sum([1, 2]) == [1, 2] && alone.gather("a") == ["a"] && alone.areEqual(7))
    let agreement = Agreement(on: 2, of: alone)
    #expect(Array(agreement.reach { $0[1] = 3 }) == [0, 3])
    #expect(alone.takeTimes().hiddenShare == nil)
    #expect(CommunicationTimes(seconds: 4, waitedSeconds: 1).hiddenShare == 0.75)
  }

  @Test func theModelIsThatOfRingAndTree() {
    let network = AllReduceModel(latency: 1e-5, bandwidth: 1e9)
    #expect(network.best(1 << 20, ranks: 1).seconds == 0)
    // Two ranks send half of the bytes twice, each with a latency.
    #expect(abs(network.seconds(1_000_000, ranks: 2, by: .ring) - (2e-5 + 1e-3)) < 1e-12)
    #expect(abs(network.seconds(1_000_000, ranks: 8, by: .tree) - 6 * (1e-5 + 1e-3)) < 1e-12)
    #expect(network.best(8, ranks: 64).algorithm == .tree)
    #expect(network.best(100_000_000, ranks: 64).algorithm == .ring)
    #expect(network.bucketBytes(ofTotal: 100_000_000) == 1_000_000)
  }
}
