// Groups of LOCAL_SIZE work-items along one axis. Tunable: LOCAL_SIZE.

#ifndef LOCAL_SIZE
#define LOCAL_SIZE 64
#endif

#define LINE_KERNEL kernel __attribute__((reqd_work_group_size(LOCAL_SIZE, 1, 1)))
