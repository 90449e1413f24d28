// The same functions for a machine that had no MPI when the package was built.

#if !__has_include(<mpi.h>)

#include <stddef.h>

#include "CMPIBridge.h"

int32_t mpi_is_available(void) { return 0; }
const char *mpi_start(double seconds, mpi_place *place) {
  (void)seconds, (void)place;
  return "the program was built without MPI";
}
const char *mpi_library(void) { return "none"; }
const char *mpi_host(int32_t rank) {
  (void)rank;
  return "localhost";
}
void mpi_set_timeout(double seconds) { (void)seconds; }
void mpi_set_excused(int32_t is_excused) { (void)is_excused; }
mpi_job *mpi_make(mpi_lane lane, mpi_job_kind kind, void *buffer, void *target, int64_t count) {
  (void)lane, (void)kind, (void)buffer, (void)target, (void)count;
  return NULL;
}
void mpi_free(mpi_job *job) { (void)job; }
void mpi_begin(mpi_job *job) { (void)job; }
void mpi_wait(mpi_job *job) { (void)job; }
void mpi_take_times(double *all, double *waited) { *all = *waited = 0; }
int32_t mpi_finish(double seconds) {
  (void)seconds;
  return 1;
}
void mpi_abort(int32_t code) { (void)code; }

#endif
