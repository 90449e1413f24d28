// Divides work over oneDNN's thread team, which is GCC's OpenMP runtime. Its threads stay awake
// between two launches. A second pool would compete with them for the processors.

#include "CVectorLoops.h"

void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
void omp_set_num_threads(int count);
int omp_in_parallel(void);

typedef struct {
  int64_t count;
  void (*body)(void *context, int64_t first, int64_t last);
  void *context;
} division;

static void part(void *data) {
  const division *d = data;
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  const int64_t first = d->count * thread / threads;
  const int64_t last = d->count * (thread + 1) / threads;
  if (first < last) d->body(d->context, first, last);
}

int32_t vl_thread_index(void) { return omp_get_thread_num(); }

int32_t vl_thread_count(void) { return omp_get_max_threads(); }

void vl_set_thread_count(int32_t count) { omp_set_num_threads(count); }

void vl_parallel(int64_t count, int32_t threads,
                 void (*body)(void *context, int64_t first, int64_t last), void *context) {
  division d = {count, body, context};
  if (count < 2 || threads < 2 || omp_in_parallel()) {
    if (count > 0) body(context, 0, count);
    return;
  }
  GOMP_parallel(part, &d, (unsigned)threads, 0);
}
