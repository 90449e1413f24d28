// Counts the allocations of this program and of Swift's runtime. scripts/check-allocations preloads it.
// Libraries (a driver, oneDNN, the C++ and C runtimes) are counted separately.
//
// A call belongs to the object whose code requested the memory. At the end, the counts are written to
// the file that ISOMETRY_ALLOCATIONS names: `own N` and `libraries N`.
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { most_ranges = 64 };
static struct {
  uintptr_t begin, end;
} ranges[most_ranges];
static int range_count;
static atomic_ulong own, libraries;

// The objects that are linked are loaded before this runs; those that are opened later are drivers.
static int add_object(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size, (void)unused;
  const char *name = strrchr(object->dlpi_name, '/');
  int is_program = object->dlpi_name[0] == 0;
  int is_swift = name && (!strncmp(name, "/libswift", 9) || !strncmp(name, "/libFoundation", 14));
  if (!is_program && !is_swift) return 0;
  for (int i = 0; i < object->dlpi_phnum && range_count < most_ranges; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    ranges[range_count].begin = object->dlpi_addr + segment->p_vaddr;
    ranges[range_count++].end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
  }
  return 0;
}

__attribute__((constructor)) static void find_objects(void) { dl_iterate_phdr(add_object, NULL); }

__attribute__((destructor)) static void report(void) {
  // A driver may start programs of its own.
  if (strcmp(program_invocation_short_name, "isometry")) return;
  const char *path = getenv("ISOMETRY_ALLOCATIONS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "own %lu\nlibraries %lu\n", own, libraries);
  fclose(file);
}

static void count(void *caller) {
  uintptr_t address = (uintptr_t)caller;
  for (int i = 0; i < range_count; i++)
    if (address >= ranges[i].begin && address < ranges[i].end) {
      atomic_fetch_add_explicit(&own, 1, memory_order_relaxed);
      return;
    }
  atomic_fetch_add_explicit(&libraries, 1, memory_order_relaxed);
}
#define COUNT() count(__builtin_return_address(0))

void *malloc(size_t size) {
  COUNT();
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  COUNT();
  return __libc_calloc(number, size);
}
void *realloc(void *memory, size_t size) {
  COUNT();
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  COUNT();
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  COUNT();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  COUNT();
  void *found = __libc_memalign(alignment, size);
  if (!found) return ENOMEM;
  *memory = found;
  return 0;
}
