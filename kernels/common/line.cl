// Groups of LOCAL_SIZE work-items along one axis. Tunable: LOCAL_SIZE.
// uses: common/language.cl

#ifndef LOCAL_SIZE
#define LOCAL_SIZE 64
#endif

#define LINE_KERNEL KERNEL(LOCAL_SIZE)
