// Counts the calls of each kind, and chooses those that fail. For fail-files.c and fail-opencl.c, which define
// `enum kind` with `KINDS` as its last value, and the `names` of the kinds.
//
// ISOMETRY_FAIL is the name of a kind, the number of a call and perhaps the number of an error, such as
// `write 3 28`. The number of calls of each kind is written to the file that ISOMETRY_CALLS names, as
// `write 120`.
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long calls[KINDS];

// The system's or the driver's own function of that name.
#define OWN(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

// Counts a call. Returns 1 for the chosen call, more for the calls of the kind after it, and 0 for others. The
// error is changed if ISOMETRY_FAIL has its number.
static long failures(enum kind kind, int *error) {
  const long number = ++calls[kind];
  const char *chosen = getenv("ISOMETRY_FAIL");
  char name[16];
  long first;
  if (!chosen || sscanf(chosen, "%15s %ld %d", name, &first, error) < 2) return 0;
  return strcmp(name, names[kind]) || number < first ? 0 : number - first + 1;
}

// Programs that this one starts have no such calls, and leave the file alone.
__attribute__((destructor)) static void report(void) {
  const char *path = getenv("ISOMETRY_CALLS");
  long sum = 0;
  for (int kind = 0; kind < KINDS; ++kind) sum += calls[kind];
  FILE *file = path && sum ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int kind = 0; kind < KINDS; ++kind) fprintf(file, "%s %ld\n", names[kind], calls[kind]);
  fclose(file);
}
