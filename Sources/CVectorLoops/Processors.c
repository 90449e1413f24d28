// The processors that the program runs on.

#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>

#include "CVectorLoops.h"

int32_t vl_processors(int32_t *numbers, int32_t capacity) {
  cpu_set_t set;
  int32_t count = 0;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  for (int32_t number = 0; number < CPU_SETSIZE && count < capacity; number++) {
    if (CPU_ISSET(number, &set)) numbers[count++] = number;
  }
  return count;
}

void vl_bind_threads(const int32_t *numbers, int32_t count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int32_t index = 0; index < count; index++) CPU_SET(numbers[index], &set);
  DIR *const threads = opendir("/proc/self/task");
  if (threads == NULL) return;
  // A thread that has ended since then needs no processor.
  for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
    const pid_t thread = atoi(entry->d_name);
    if (thread > 0) sched_setaffinity(thread, sizeof set, &set);
  }
  closedir(threads);
}
