// MPI behind one thread that makes every call of it, so that MPI_THREAD_FUNNELED is enough and a reduction makes
// progress while the caller computes. Macros of mpi.h are not visible to Swift, and they differ between MPI libraries:
// this module is compiled against the library of the machine (docs/decisions/0022-data-parallel-over-mpi.md).

#ifndef C_MPI_BRIDGE_H
#define C_MPI_BRIDGE_H

#include <stdint.h>

/// The place of this process among those that a launcher started.
typedef struct {
  int32_t rank, size;
  /// Among the processes that share this machine's memory.
  int32_t local_rank, local_size;
} mpi_place;

/// Collectives of one lane run one after the other, in the order of `mpi_begin`, which all ranks share. Lanes do not
/// wait for each other.
typedef enum { MPI_LANE_DATA, MPI_LANE_CONTROL, MPI_LANE_END, MPI_LANE_COUNT } mpi_lane;

typedef enum {
  /// Sums of fp32 numbers over all ranks, in place.
  MPI_JOB_SUM_FLOATS,
  /// Sums of fp64 numbers over all ranks, in place.
  MPI_JOB_SUM_DOUBLES,
  /// The largest of int64 numbers over all ranks, in place.
  MPI_JOB_MAXIMUM,
  /// The bytes of rank 0 to all, in place.
  MPI_JOB_BROADCAST,
  /// The bytes of all ranks side by side at rank 0: `buffer` to `target`.
  MPI_JOB_GATHER,
  /// All ranks have come so far.
  MPI_JOB_BARRIER,
} mpi_job_kind;

/// A collective that may run many times, on the same memory.
typedef struct mpi_job mpi_job;

/// Whether the package was built with MPI.
int32_t mpi_is_available(void);

/// Starts the thread, and MPI in it. Waits for it, for a number of seconds.
///
/// Returns NULL, or the reason for a failure. Called once.
const char *mpi_start(double seconds, mpi_place *place);

/// The library and its version.
const char *mpi_library(void);

/// The name of a rank's machine.
const char *mpi_host(int32_t rank);

/// The seconds for which a rank may keep the others waiting. After that, MPI_Abort ends all ranks, with a message
/// that names it.
void mpi_set_timeout(double seconds);

/// Whether the others wait for this rank without a limit, as it does work that only it does. Calls nest.
void mpi_set_excused(int32_t is_excused);

/// A collective of `count` elements. Freed with `mpi_free`, while it does not run.
mpi_job *mpi_make(mpi_lane lane, mpi_job_kind kind, void *buffer, void *target, int64_t count);
void mpi_free(mpi_job *job);

/// Starts a collective, which does not run. Returns at once.
void mpi_begin(mpi_job *job);

/// Waits until a collective that was started is done.
void mpi_wait(mpi_job *job);

/// Seconds since the last call, on this rank: in collectives of the data lane, and of those the seconds for which
/// `mpi_wait` blocked.
void mpi_take_times(double *all, double *waited);

/// Waits until all ranks have called it, and ends MPI. Returns whether they have, within a number of seconds.
int32_t mpi_finish(double seconds);

/// Ends all ranks with an exit code. Returns only without MPI.
void mpi_abort(int32_t code);

#endif
