// Compiles a program with NVRTC, for scripts/check-kernels: compile-nvrtc LIBRARY SOURCE PTX OPTION...
//
// LIBRARY is libnvrtc.so. The compiler's log goes to standard error; a log, warnings included, is a failure.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Program *Program;

static void *library;

static void *function(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    fprintf(stderr, "compile-nvrtc: %s\n", dlerror());
    exit(2);
  }
  return found;
}

static void require(int status, const char *call) {
  if (status == 0) return;
  const char *(*text)(int) = function("nvrtcGetErrorString");
  fprintf(stderr, "compile-nvrtc: %s: %s\n", call, text(status));
  exit(2);
}

static char *contents(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(2);
  }
  fseek(file, 0, SEEK_END);
  size_t size = ftell(file);
  rewind(file);
  char *text = calloc(size + 1, 1);
  if (!text || fread(text, 1, size, file) != size) {
    perror(path);
    exit(2);
  }
  fclose(file);
  return text;
}

// A text of the program, by the calls that give its size and its bytes.
static char *text_of(Program program, const char *size_call, const char *text_call, size_t *size) {
  int (*get_size)(Program, size_t *) = function(size_call);
  int (*get_text)(Program, char *) = function(text_call);
  require(get_size(program, size), size_call);
  char *text = calloc(*size + 1, 1);
  if (!text) exit(2);
  require(get_text(program, text), text_call);
  return text;
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: compile-nvrtc LIBRARY SOURCE PTX OPTION...\n");
    return 2;
  }
  library = dlopen(arguments[1], RTLD_NOW);
  if (!library) {
    fprintf(stderr, "compile-nvrtc: %s\n", dlerror());
    return 2;
  }
  int (*create)(Program *, const char *, const char *, int, const char *const *,
                const char *const *) = function("nvrtcCreateProgram");
  int (*compile)(Program, int, const char *const *) = function("nvrtcCompileProgram");
  Program program;
  require(create(&program, contents(arguments[2]), arguments[2], 0, NULL, NULL),
          "nvrtcCreateProgram");
  int status = compile(program, count - 4, (const char *const *)arguments + 4);
  size_t size;
  const char *log = text_of(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog", &size);
  if (log[0]) {
    fprintf(stderr, "%s\n", log);
    return 1;
  }
  require(status, "nvrtcCompileProgram");
  const char *ptx = text_of(program, "nvrtcGetPTXSize", "nvrtcGetPTX", &size);
  FILE *file = fopen(arguments[3], "wb");
  // The last byte is the zero behind the text.
  if (!file || fwrite(ptx, 1, size - 1, file) != size - 1 || fclose(file) != 0) {
    perror(arguments[3]);
    return 2;
  }
  return 0;
}
