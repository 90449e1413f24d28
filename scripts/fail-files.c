// Makes system calls about the files of a folder fail, and turns the clock back. scripts/check-faults
// preloads it.
//
// ISOMETRY_FAIL_FOLDER is the folder. From the call that ISOMETRY_FAIL chooses on, all of the kind fail
// (fail-calls.h). It has the number of an error too, such as `write 3 28`.
//
//   open    of a file to write
//   write   of which the first takes half of its bytes, as on a disk that becomes full
//   sync    fsync
//   rename  to a name in the folder
//
// With ISOMETRY_CLOCK=back, each reading of the calendar's clock is an hour before the last one.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum kind { OPEN, WRITE, SYNC, RENAME, KINDS };
static const char *const names[KINDS] = {"open", "write", "sync", "rename"};
#include "fail-calls.h"

static int is_inside(const char *path) {
  const char *folder = getenv("ISOMETRY_FAIL_FOLDER");
  return folder && !strncmp(path, folder, strlen(folder));
}

// Not for folders: fsync of a folder is more than some file systems can do.
static int is_file_inside(int descriptor) {
  char link[32], path[PATH_MAX];
  struct stat status;
  if (fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_inside(path);
}

// The number of calls of the kind that have failed with this one. Sets errno if it fails.
static long failed(enum kind kind) {
  int error = EIO;
  const long number = failures(kind, &error);
  if (number) errno = error;
  return number;
}

static int open_file(const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY && is_inside(path) && failed(OPEN)) return -1;
  return OWN(open)(path, flags, mode);
}

#define DEFINE_OPEN(name)                      \
  int name(const char *path, int flags, ...) { \
    va_list list;                              \
    va_start(list, flags);                     \
    const mode_t mode = va_arg(list, mode_t);  \
    va_end(list);                              \
    return open_file(path, flags, mode);       \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  const long number = is_file_inside(descriptor) ? failed(WRITE) : 0;
  if (number > 1) return -1;
  return OWN(write)(descriptor, bytes, number ? count / 2 : count);
}

int fsync(int descriptor) {
  if (is_file_inside(descriptor) && failed(SYNC)) return -1;
  return OWN(fsync)(descriptor);
}

int rename(const char *from, const char *to) {
  if (is_inside(to) && failed(RENAME)) return -1;
  return OWN(rename)(from, to);
}

static long seconds_back(void) {
  static atomic_long readings;
  const char *clock = getenv("ISOMETRY_CLOCK");
  return clock && !strcmp(clock, "back") ? 3600 * ++readings : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  const int code = OWN(clock_gettime)(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec -= seconds_back();
  return code;
}

int gettimeofday(struct timeval *time, void *zone) {
  const int code = OWN(gettimeofday)(time, zone);
  time->tv_sec -= seconds_back();
  return code;
}

time_t time(time_t *place) {
  const time_t now = OWN(time)(NULL) - seconds_back();
  if (place) *place = now;
  return now;
}
