// The thread that makes every call of MPI: it starts the collectives that other threads ask for, tests them until they
// are done, and answers ranks that ask whether this one is alive.

#if __has_include(<mpi.h>)

#define _GNU_SOURCE
#include <errno.h>
#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "CMPIBridge.h"

struct mpi_job {
  mpi_lane lane;
  mpi_job_kind kind;
  void *buffer, *target;
  int count;
  int is_done;
  double begun;
  struct mpi_job *next;
};

/// The collectives of one communicator, first in, first out.
typedef struct {
  MPI_Comm comm;
  mpi_job *first, *last;
  /// The one that MPI works on, if any.
  mpi_job *current;
  MPI_Request request;
  /// How many were started on this rank.
  int64_t started;
  /// Since when the others have kept this rank waiting, or its limit was last extended.
  double since;
  double done;
} lane_state;

/// What a rank says about itself when another asks.
typedef struct {
  int64_t started[MPI_LANE_COUNT];
  int64_t is_excused, is_waiting;
} answer;

enum { TAG_ASK = 1, TAG_ANSWER = 2 };

static const double watch_interval = 0.1, answer_time = 5;
/// Between two tests of a collective that nothing waits for. Shorter times take the processor from the computation.
static const long test_interval = 50000;
/// The seconds for which tests follow each other without a pause if a thread waits.
static const double awake_time = 0.005;
enum { host_length = 64, text_length = 256 };

static struct {
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  pthread_t thread;
  int is_running, is_finishing, is_aborting, abort_code;
  int waiters, excuses;
  lane_state lanes[MPI_LANE_COUNT];
  double timeout, all, waited;
  mpi_place place;
  char (*hosts)[host_length];
  char library[MPI_MAX_LIBRARY_VERSION_STRING], failure[text_length];
  int is_started;
  // Of the thread alone.
  MPI_Comm watch;
  MPI_Request *asks, *replies;
  answer *own, *answers;
  char *has_answered;
  double last_watch, asked;
  int is_asking, idle_rounds;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .timeout = 60};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static struct timespec after(double seconds) {
  const double longest = 1e8;
  const double end = now() + (seconds < longest ? seconds : longest);
  struct timespec time = {(time_t)end, 0};
  time.tv_nsec = (long)((end - time.tv_sec) * 1e9);
  return time;
}

/// Ends all ranks; at the latest when the alarm ends this one.
static void end_all(int code) {
  signal(SIGALRM, SIG_DFL);
  alarm(10);
  MPI_Abort(MPI_COMM_WORLD, code);
  _exit(code);
}

static void require(int result, const char *action) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  fprintf(stderr, "isometry: rank %d on %s: MPI cannot %s: %s; all ranks end\n", world.place.rank,
          world.hosts[world.place.rank], action, text);
  end_all(1);
}

static void post(lane_state *lane, mpi_job *job) {
  void *const buffer = job->buffer;
  MPI_Request *const request = &lane->request;
  int result = MPI_SUCCESS;
  switch (job->kind) {
    case MPI_JOB_SUM_FLOATS:
      result =
          MPI_Iallreduce(MPI_IN_PLACE, buffer, job->count, MPI_FLOAT, MPI_SUM, lane->comm, request);
      break;
    case MPI_JOB_SUM_DOUBLES:
      result = MPI_Iallreduce(MPI_IN_PLACE, buffer, job->count, MPI_DOUBLE, MPI_SUM, lane->comm,
                              request);
      break;
    case MPI_JOB_MAXIMUM:
      result = MPI_Iallreduce(MPI_IN_PLACE, buffer, job->count, MPI_INT64_T, MPI_MAX, lane->comm,
                              request);
      break;
    case MPI_JOB_BROADCAST:
      result = MPI_Ibcast(buffer, job->count, MPI_BYTE, 0, lane->comm, request);
      break;
    case MPI_JOB_GATHER:
      result = MPI_Igather(buffer, job->count, MPI_BYTE, job->target, job->count, MPI_BYTE, 0,
                           lane->comm, request);
      break;
    case MPI_JOB_BARRIER: result = MPI_Ibarrier(lane->comm, request); break;
  }
  require(result, "start a collective");
}

// MARK: Ranks that keep the others waiting

static void describe_self(answer *own) {
  pthread_mutex_lock(&world.lock);
  for (int lane = 0; lane < MPI_LANE_COUNT; lane++) own->started[lane] = world.lanes[lane].started;
  own->is_excused = world.excuses > 0;
  own->is_waiting = world.waiters > 0;
  pthread_mutex_unlock(&world.lock);
}

static int is_free(MPI_Request *request) {
  int flag = 1;
  require(MPI_Test(request, &flag, MPI_STATUS_IGNORE), "send a message");
  return flag;
}

static void take_messages(void) {
  for (;;) {
    int flag = 0;
    MPI_Status status;
    require(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world.watch, &flag, &status), "receive");
    if (!flag) return;
    const int source = status.MPI_SOURCE;
    if (status.MPI_TAG == TAG_ASK) {
      require(MPI_Recv(NULL, 0, MPI_BYTE, source, TAG_ASK, world.watch, MPI_STATUS_IGNORE),
              "receive");
      if (!is_free(&world.replies[source])) continue;
      describe_self(&world.own[source]);
      require(MPI_Isend(&world.own[source], sizeof(answer), MPI_BYTE, source, TAG_ANSWER,
                        world.watch, &world.replies[source]),
              "send a message");
    } else {
      require(MPI_Recv(&world.answers[source], sizeof(answer), MPI_BYTE, source, TAG_ANSWER,
                       world.watch, MPI_STATUS_IGNORE),
              "receive");
      world.has_answered[source] = 1;
    }
  }
}

static void ask_all(void) {
  memset(world.has_answered, 0, world.place.size);
  for (int rank = 0; rank < world.place.size; rank++) {
    if (rank == world.place.rank || !is_free(&world.asks[rank])) continue;
    require(MPI_Isend(NULL, 0, MPI_BYTE, rank, TAG_ASK, world.watch, &world.asks[rank]),
            "send a message");
  }
  world.is_asking = 1;
  world.asked = now();
}

static int have_all_answered(void) {
  for (int rank = 0; rank < world.place.size; rank++) {
    if (rank != world.place.rank && !world.has_answered[rank]) return 0;
  }
  return 1;
}

/// Ends all ranks with a message that names those for which the others wait. The lowest rank that is alive speaks
/// first, which ends the others.
static void blame(int lane) {
  struct timespec pause = {0, 500000000L * (world.place.rank < 8 ? world.place.rank : 8)};
  pause.tv_sec = pause.tv_nsec / 1000000000L;
  pause.tv_nsec %= 1000000000L;
  nanosleep(&pause, NULL);
  int count = 0;
  for (int only_idle = 1; only_idle >= 0 && count == 0; only_idle--) {
    for (int rank = 0; rank < world.place.size; rank++) {
      if (rank == world.place.rank) continue;
      const answer *const other = &world.answers[rank];
      const char *const host = world.hosts[rank];
      if (!world.has_answered[rank]) {
        fprintf(stderr, "isometry: rank %d on %s does not answer\n", rank, host);
        count++;
      } else if (other->started[lane] < world.lanes[lane].started && !other->is_excused &&
                 !(only_idle && other->is_waiting)) {
        fprintf(stderr, "isometry: rank %d on %s answers, but its computation stands still\n", rank,
                host);
        count++;
      }
    }
  }
  if (count == 0)
    fprintf(stderr, "isometry: all ranks take part in a reduction that does not end\n");
  fprintf(stderr,
          "isometry: rank %d has waited for %.0f s (--mpi-timeout), so all ranks end; continue "
          "from the "
          "last checkpoint\n",
          world.place.rank, world.timeout);
  end_all(1);
}

/// Whether a rank is dead, or behind without an excuse.
static int has_suspect(int lane, int *has_excuse) {
  for (int rank = 0; rank < world.place.size; rank++) {
    if (rank == world.place.rank) continue;
    if (!world.has_answered[rank]) return 1;
    if (world.answers[rank].started[lane] >= world.lanes[lane].started) continue;
    if (!world.answers[rank].is_excused) return 1;
    *has_excuse = 1;
  }
  return 0;
}

static void watch(void) {
  take_messages();
  const double time = now();
  for (int index = 0; index < MPI_LANE_COUNT; index++) {
    lane_state *const lane = &world.lanes[index];
    if (lane->current == NULL || time - lane->since < world.timeout) continue;
    if (!world.is_asking) {
      ask_all();
      return;
    }
    if (!have_all_answered() && time - world.asked < answer_time) return;
    world.is_asking = 0;
    int has_excuse = 0;
    // A rank that waits for one with an excuse is behind too.
    const int is_suspicious = has_suspect(index, &has_excuse);
    int silent = 0;
    for (int rank = 0; rank < world.place.size; rank++) {
      silent += rank != world.place.rank && !world.has_answered[rank];
      has_excuse |=
          rank != world.place.rank && world.has_answered[rank] && world.answers[rank].is_excused;
    }
    if (silent > 0 || (is_suspicious && !has_excuse) || (!has_excuse && world.idle_rounds++ > 0)) {
      blame(index);
    }
    lane->since = now();
    return;
  }
}

// MARK: The thread

static const char *initialize(void) {
  int provided = 0;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
    return "MPI_Init_thread failed";
  }
  if (provided < MPI_THREAD_FUNNELED) return "the MPI library has no thread support";
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm shared;
  int length = 0, rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  world.place.rank = rank;
  world.place.size = size;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &shared);
  MPI_Comm_rank(shared, &rank);
  MPI_Comm_size(shared, &size);
  MPI_Comm_free(&shared);
  world.place.local_rank = rank;
  world.place.local_size = size;
  MPI_Get_library_version(world.library, &length);
  world.library[strcspn(world.library, ",\n")] = 0;
  world.hosts = calloc(world.place.size, host_length);
  world.asks = calloc(world.place.size, sizeof(MPI_Request));
  world.replies = calloc(world.place.size, sizeof(MPI_Request));
  world.own = calloc(world.place.size, sizeof(answer));
  world.answers = calloc(world.place.size, sizeof(answer));
  world.has_answered = calloc(world.place.size, 1);
  for (int index = 0; index < world.place.size; index++) {
    world.asks[index] = world.replies[index] = MPI_REQUEST_NULL;
  }
  char host[host_length] = "";
  gethostname(host, host_length - 1);
  if (MPI_Allgather(host, host_length, MPI_CHAR, world.hosts, host_length, MPI_CHAR,
                    MPI_COMM_WORLD) != MPI_SUCCESS) {
    return "the ranks do not reach each other";
  }
  for (int lane = 0; lane < MPI_LANE_COUNT; lane++) {
    MPI_Comm_dup(MPI_COMM_WORLD, &world.lanes[lane].comm);
  }
  MPI_Comm_dup(MPI_COMM_WORLD, &world.watch);
  return NULL;
}

/// Hands MPI the next collective of each lane that is free. Returns whether a lane is in use. Called with the lock.
static int start_next(void) {
  int is_active = 0;
  for (int index = 0; index < MPI_LANE_COUNT; index++) {
    lane_state *const lane = &world.lanes[index];
    if (lane->current == NULL && lane->first != NULL) {
      lane->current = lane->first;
      lane->first = lane->first->next;
      lane->started++;
      lane->since = now();
      post(lane, lane->current);
    }
    is_active |= lane->current != NULL;
  }
  return is_active;
}

static int test_all(void) {
  int has_progressed = 0;
  for (int index = 0; index < MPI_LANE_COUNT; index++) {
    lane_state *const lane = &world.lanes[index];
    if (lane->current == NULL) continue;
    int flag = 0;
    require(MPI_Test(&lane->request, &flag, MPI_STATUS_IGNORE), "finish a collective");
    if (!flag) continue;
    has_progressed = 1;
    const double time = now();
    pthread_mutex_lock(&world.lock);
    if (index == MPI_LANE_DATA) {
      const double begun = lane->current->begun;
      world.all += time - (begun > lane->done ? begun : lane->done);
    }
    lane->done = time;
    lane->current->is_done = 1;
    lane->current = NULL;
    world.idle_rounds = 0;
    pthread_cond_broadcast(&world.done);
    pthread_mutex_unlock(&world.lock);
  }
  return has_progressed;
}

static void *serve(void *unused) {
  (void)unused;
  prctl(PR_SET_TIMERSLACK, 1UL);
  const char *const failure = initialize();
  pthread_mutex_lock(&world.lock);
  if (failure) snprintf(world.failure, text_length, "%s", failure);
  world.is_started = 1;
  pthread_cond_broadcast(&world.done);
  if (failure) {
    pthread_mutex_unlock(&world.lock);
    return NULL;
  }
  double awake = now();
  for (;;) {
    int is_active = start_next();
    if (!is_active && !world.is_finishing && !world.is_aborting) {
      const struct timespec time = after(watch_interval);
      pthread_cond_timedwait(&world.work, &world.lock, &time);
      is_active = start_next();
    }
    const int is_waited_for = world.waiters > 0, is_aborting = world.is_aborting;
    const int is_finished = world.is_finishing && !is_active;
    pthread_mutex_unlock(&world.lock);
    if (is_aborting) end_all(world.abort_code);
    if (is_finished) break;
    const int has_progressed = test_all();
    if (now() - world.last_watch > watch_interval) {
      watch();
      world.last_watch = now();
    }
    if (!is_waited_for || has_progressed) awake = now();
    if (is_active && !has_progressed) {
      const struct timespec pause = {0, test_interval};
      if (is_waited_for && now() - awake < awake_time) {
        sched_yield();
      } else {
        nanosleep(&pause, NULL);
      }
    }
    pthread_mutex_lock(&world.lock);
  }
  MPI_Finalize();
  return NULL;
}

int32_t mpi_is_available(void) { return 1; }

const char *mpi_start(double seconds, mpi_place *place) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&world.work, &attributes);
  pthread_cond_init(&world.done, &attributes);
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int result = pthread_create(&world.thread, NULL, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (result != 0) return "no thread can be made";
  const struct timespec end = after(seconds);
  pthread_mutex_lock(&world.lock);
  while (!world.is_started && pthread_cond_timedwait(&world.done, &world.lock, &end) != ETIMEDOUT) {
  }
  const int is_started = world.is_started;
  pthread_mutex_unlock(&world.lock);
  if (!is_started) return "MPI_Init_thread does not end: not all ranks come to it";
  if (world.failure[0]) return world.failure;
  world.is_running = 1;
  *place = world.place;
  return NULL;
}

const char *mpi_library(void) { return world.library; }

const char *mpi_host(int32_t rank) { return world.hosts[rank]; }

void mpi_set_timeout(double seconds) { world.timeout = seconds; }

void mpi_set_excused(int32_t is_excused) {
  pthread_mutex_lock(&world.lock);
  world.excuses += is_excused ? 1 : -1;
  pthread_mutex_unlock(&world.lock);
}

mpi_job *mpi_make(mpi_lane lane, mpi_job_kind kind, void *buffer, void *target, int64_t count) {
  mpi_job *const job = calloc(1, sizeof(mpi_job));
  job->lane = lane;
  job->kind = kind;
  job->buffer = buffer;
  job->target = target;
  job->count = (int)count;
  job->is_done = 1;
  return job;
}

void mpi_free(mpi_job *job) { free(job); }

void mpi_begin(mpi_job *job) {
  pthread_mutex_lock(&world.lock);
  lane_state *const lane = &world.lanes[job->lane];
  job->is_done = 0;
  job->begun = now();
  job->next = NULL;
  if (lane->first == NULL) {
    lane->first = job;
  } else {
    lane->last->next = job;
  }
  lane->last = job;
  pthread_cond_signal(&world.work);
  pthread_mutex_unlock(&world.lock);
}

void mpi_wait(mpi_job *job) {
  pthread_mutex_lock(&world.lock);
  if (!job->is_done) {
    const double start = now();
    world.waiters++;
    while (!job->is_done) pthread_cond_wait(&world.done, &world.lock);
    world.waiters--;
    if (job->lane == MPI_LANE_DATA) world.waited += now() - start;
  }
  pthread_mutex_unlock(&world.lock);
}

void mpi_take_times(double *all, double *waited) {
  pthread_mutex_lock(&world.lock);
  *all = world.all;
  *waited = world.waited;
  world.all = world.waited = 0;
  pthread_mutex_unlock(&world.lock);
}

static void ask_to_end(void) {
  pthread_cond_signal(&world.work);
  pthread_mutex_unlock(&world.lock);
  const struct timespec end = {time(NULL) + 15, 0};
  pthread_timedjoin_np(world.thread, NULL, &end);
}

int32_t mpi_finish(double seconds) {
  if (!world.is_running) return 1;
  mpi_job *const job = mpi_make(MPI_LANE_END, MPI_JOB_BARRIER, NULL, NULL, 0);
  mpi_begin(job);
  const struct timespec end = after(seconds);
  pthread_mutex_lock(&world.lock);
  while (!job->is_done && pthread_cond_timedwait(&world.done, &world.lock, &end) != ETIMEDOUT) {
  }
  if (!job->is_done) {
    pthread_mutex_unlock(&world.lock);
    return 0;
  }
  world.is_running = 0;
  world.is_finishing = 1;
  ask_to_end();
  mpi_free(job);
  return 1;
}

void mpi_abort(int32_t code) {
  if (!world.is_running) return;
  pthread_mutex_lock(&world.lock);
  world.is_aborting = 1;
  world.abort_code = code;
  ask_to_end();
}

#endif
