// An OpenCL driver (ICD) that calls itself NVIDIA's: programs become PTX by clang, kernels run by the machine in
// exec.cpp. In-order queues; commands start only once they are flushed or waited for, by one worker thread.
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <CL/cl_icd.h>
#include "machine.h"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using ptx::u32;
using ptx::u64;
using ptx::u8;

static std::string environment(const char* n, const char* d) {
  const char* v = getenv(n);
  return v ? v : d;
}
static cl_icd_dispatch table;
// Never destroyed: the worker outlives main.
static auto& L = *new std::recursive_mutex;
static auto& changed = *new std::condition_variable_any;

struct Live {
  std::atomic<long> now{0}, most{0}, all{0};
  void up() {
    ++all;
    long n = ++now;
    long m = most;
    while (n > m && !most.compare_exchange_weak(m, n)) {
    }
  }
  void down() { --now; }
};
static Live liveMem, liveEvent, liveKernel, liveProgram, liveQueue, liveContext;
static std::atomic<u64> calls[16];
static std::atomic<u64> allocated{0}, mostAllocated{0};

struct Object {
  cl_icd_dispatch* dispatch = &table;
  std::atomic<int> refs{1};
};
struct _cl_platform_id : Object {};
struct _cl_device_id : Object {};
struct _cl_context : Object {};
struct _cl_mem : Object {
  cl_context context;
  _cl_mem* parent = nullptr;
  size_t offset = 0, size = 0;
  u8* data = nullptr;
  size_t mapped = 0;
  cl_mem_flags flags = 0;
  ptx::Shadow* shadow = nullptr;
  u8* host = nullptr;
  int maps = 0;
};
struct Stats {
  ptx::KernelStats stats;
  std::shared_ptr<ptx::Kernel> kernel;
  std::string label, geometry, name;
  u64 programHash;
  u64 groups = 0, local = 0, bytes = 0;
};
struct _cl_program : Object {
  cl_context context;
  std::string source, options, ptx, log;
  bool fromBinary = false, built = false;
  std::shared_ptr<ptx::Module> module;
  std::map<std::string, std::shared_ptr<ptx::Kernel>> kernels;
  u64 hash = 0;
  std::string ptxas;
};
struct _cl_kernel : Object {
  cl_program program;
  std::shared_ptr<ptx::Kernel> kernel;
  std::string name;
  std::vector<std::vector<u8>> args;
  std::vector<cl_mem> mems;
};
struct Command;
struct _cl_event : Object {
  cl_command_queue queue;
  cl_command_type type;
  cl_int status = CL_QUEUED;
  cl_ulong times[4] = {0, 0, 0, 0};
  bool submitted = false;
  std::vector<std::pair<void(CL_CALLBACK*)(cl_event, cl_int, void*), void*>> callbacks;
};
struct Command {
  _cl_event* event;
  std::vector<_cl_event*> waits;
  std::function<void()> run;
  std::string name;
};
struct _cl_command_queue : Object {
  cl_context context;
  cl_command_queue_properties properties = 0;
  std::deque<Command*> commands;
  size_t submitted = 0;
  bool busy = false;
};

static _cl_platform_id thePlatform;
static _cl_device_id theDevice;
static auto& queues = *new std::set<_cl_command_queue*>;
static auto& mems = *new std::set<cl_mem>;
static auto& statistics = *new std::map<std::string, std::unique_ptr<Stats>>;
static u32 launchNumber = 0;
static bool lazy = true;

static cl_ulong now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
static void report(const std::string& kind, const std::string& detail) {
  ptx::trouble("host: " + kind, detail, "");
}

// ---- the worker ----
static void retain(Object* o) { ++o->refs; }
static void freeMem(cl_mem m);
static void releaseEvent(cl_event e) {
  if (--e->refs == 0) {
    liveEvent.down();
    delete e;
  }
}
static bool ready(Command* c) {
  for (auto* e : c->waits)
    if (e->status > CL_COMPLETE) return false;
  return true;
}
static std::thread* worker = nullptr;
static bool idle = false;
static void work() {
  std::unique_lock<std::recursive_mutex> hold(L);
  while (true) {
    Command* next = nullptr;
    _cl_command_queue* from = nullptr;
    for (auto* q : queues)
      if (!q->busy && q->submitted && ready(q->commands.front())) {
        next = q->commands.front();
        from = q;
        break;
      }
    if (!next) {
      idle = true;
      changed.notify_all();
      changed.wait(hold);
      continue;
    }
    idle = false;
    from->busy = true;
    next->event->status = CL_RUNNING;
    next->event->times[2] = now();
    hold.unlock();
    next->run();
    hold.lock();
    next->event->times[3] = now();
    next->event->status = CL_COMPLETE;
    from->commands.pop_front();
    --from->submitted;
    from->busy = false;
    for (auto& c : next->event->callbacks) c.first(next->event, CL_COMPLETE, c.second);
    for (auto* e : next->waits) releaseEvent(e);
    releaseEvent(next->event);
    delete next;
    changed.notify_all();
  }
}
static void submit(_cl_command_queue* q) {
  for (size_t i = q->submitted; i < q->commands.size(); ++i) {
    q->commands[i]->event->status = std::min(q->commands[i]->event->status, (cl_int)CL_SUBMITTED);
    q->commands[i]->event->times[1] = now();
  }
  q->submitted = q->commands.size();
  changed.notify_all();
}
// The host waits; what depends on commands that nobody flushed would never start on a strict driver.
template <class Done>
static void waitUntil(std::unique_lock<std::recursive_mutex>& hold, Done done) {
  while (!done()) {
    bool stuck = idle;
    if (stuck) {
      for (auto* q : queues)
        if (!q->busy && q->submitted && ready(q->commands.front())) stuck = false;
    }
    if (stuck) {
      bool any = false;
      for (auto* q : queues)
        if (q->submitted < q->commands.size()) {
          report("waits for a command that was never flushed", q->commands[q->submitted]->name);
          submit(q);
          any = true;
        }
      if (!any && done()) break;
    }
    changed.wait_for(hold, std::chrono::milliseconds(50));
  }
}
static cl_int enqueue(cl_command_queue q, cl_command_type type, std::string name, cl_uint n,
                      const cl_event* list, cl_event* out, std::function<void()> run,
                      bool blocking = false) {
  if ((n == 0) != (list == nullptr)) {
    report("wait list and its length disagree", name);
    return CL_INVALID_EVENT_WAIT_LIST;
  }
  std::unique_lock<std::recursive_mutex> hold(L);
  if (!worker) {
    worker = new std::thread(work);
    worker->detach();
  }
  auto* e = new _cl_event;
  liveEvent.up();
  e->queue = q;
  e->type = type;
  e->times[0] = now();
  auto* c = new Command{e, {}, run, name};
  for (cl_uint i = 0; i < n; ++i) {
    retain(list[i]);
    c->waits.push_back(list[i]);
  }
  if (out) {
    retain(e);
    *out = e;
  }
  q->commands.push_back(c);
  if (!lazy) submit(q);
  if (blocking) {
    retain(e);
    submit(q);
    waitUntil(hold, [&] { return e->status <= CL_COMPLETE; });
    releaseEvent(e);
  }
  return CL_SUCCESS;
}

#define OUT(type, value)                                \
  do {                                                  \
    type v_ = (value);                                  \
    if (ret) *ret = sizeof(type);                       \
    if (p) {                                            \
      if (size < sizeof(type)) return CL_INVALID_VALUE; \
      memcpy(p, &v_, sizeof(type));                     \
    }                                                   \
    return CL_SUCCESS;                                  \
  } while (0)
static cl_int text(const std::string& s, size_t size, void* p, size_t* ret) {
  if (ret) *ret = s.size() + 1;
  if (p) {
    if (size < s.size() + 1) return CL_INVALID_VALUE;
    memcpy(p, s.c_str(), s.size() + 1);
  }
  return CL_SUCCESS;
}
#define TEXT(s) return text(s, size, p, ret)

static cl_int CL_API_CALL platformIDs(cl_uint n, cl_platform_id* p, cl_uint* count) {
  if (count) *count = 1;
  if (p && n) p[0] = &thePlatform;
  return CL_SUCCESS;
}
static cl_int CL_API_CALL platformInfo(cl_platform_id, cl_platform_info what, size_t size, void* p,
                                       size_t* ret) {
  switch (what) {
    case CL_PLATFORM_PROFILE: TEXT("FULL_PROFILE");
    case CL_PLATFORM_VERSION: TEXT("OpenCL 3.0 CUDA 12.8.97");
    case CL_PLATFORM_NAME: TEXT("NVIDIA CUDA");
    case CL_PLATFORM_VENDOR: TEXT("NVIDIA Corporation");
    case CL_PLATFORM_EXTENSIONS: TEXT("cl_khr_icd cl_nv_device_attribute_query");
    case CL_PLATFORM_ICD_SUFFIX_KHR: TEXT("NV");
    case CL_PLATFORM_NUMERIC_VERSION: OUT(cl_version, CL_MAKE_VERSION(3, 0, 0));
  }
  return CL_INVALID_VALUE;
}
static cl_int CL_API_CALL deviceIDs(cl_platform_id, cl_device_type t, cl_uint n, cl_device_id* p,
                                    cl_uint* count) {
  if (!(t & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_DEFAULT)) && t != CL_DEVICE_TYPE_ALL)
    return CL_DEVICE_NOT_FOUND;
  if (count) *count = 1;
  if (p && n) p[0] = &theDevice;
  return CL_SUCCESS;
}
static cl_int CL_API_CALL deviceInfo(cl_device_id, cl_device_info what, size_t size, void* p,
                                     size_t* ret) {
  static const cl_uint sm = std::stoul(environment("SIMULATED_GPU_SM", "90"));
  static const cl_ulong memory = std::stoull(environment("SIMULATED_GPU_MEMORY", "150754820096"));
  switch (what) {
    case CL_DEVICE_TYPE: OUT(cl_device_type, CL_DEVICE_TYPE_GPU);
    case CL_DEVICE_VENDOR_ID: OUT(cl_uint, 0x10DE);
    case CL_DEVICE_NAME: TEXT(environment("SIMULATED_GPU_NAME", "NVIDIA H200"));
    case CL_DEVICE_VENDOR: TEXT("NVIDIA Corporation");
    case CL_DRIVER_VERSION: TEXT("570.86.15");
    case CL_DEVICE_VERSION: TEXT("OpenCL 3.0 CUDA");
    case CL_DEVICE_PROFILE: TEXT("FULL_PROFILE");
    case CL_DEVICE_OPENCL_C_VERSION: TEXT("OpenCL C 1.2 ");
    case CL_DEVICE_EXTENSIONS:
      TEXT(
          "cl_khr_global_int32_base_atomics cl_khr_global_int32_extended_atomics "
          "cl_khr_local_int32_base_atomics cl_khr_local_int32_extended_atomics cl_khr_fp64 "
          "cl_khr_3d_image_writes cl_khr_byte_addressable_store cl_khr_icd cl_khr_gl_sharing "
          "cl_nv_compiler_options cl_nv_device_attribute_query cl_nv_pragma_unroll cl_nv_copy_opts "
          "cl_nv_create_buffer cl_khr_int64_base_atomics cl_khr_int64_extended_atomics "
          "cl_nv_kernel_attribute cl_khr_device_uuid cl_khr_pci_bus_info cl_khr_external_semaphore "
          "cl_khr_external_memory cl_khr_external_semaphore_opaque_fd "
          "cl_khr_external_memory_opaque_fd cl_khr_semaphore");
    case CL_DEVICE_MAX_COMPUTE_UNITS:
      OUT(cl_uint, (cl_uint)std::stoul(environment("SIMULATED_GPU_UNITS", "132")));
    case CL_DEVICE_MAX_CLOCK_FREQUENCY: OUT(cl_uint, 1980);
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS: OUT(cl_uint, 3);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE: OUT(size_t, 1024);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES: {
      size_t v[3] = {1024, 1024, 64};
      if (ret) *ret = sizeof v;
      if (p) memcpy(p, v, sizeof v);
      return CL_SUCCESS;
    }
    case CL_DEVICE_GLOBAL_MEM_SIZE: OUT(cl_ulong, memory);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE: OUT(cl_ulong, memory / 4);
    case CL_DEVICE_LOCAL_MEM_SIZE: OUT(cl_ulong, 49152);
    case CL_DEVICE_LOCAL_MEM_TYPE: OUT(cl_uint, CL_LOCAL);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN: OUT(cl_uint, 4096);
    case CL_DEVICE_MIN_DATA_TYPE_ALIGN_SIZE: OUT(cl_uint, 128);
    case CL_DEVICE_ADDRESS_BITS: OUT(cl_uint, 64);
    case CL_DEVICE_MAX_PARAMETER_SIZE: OUT(size_t, 4352);
    case CL_DEVICE_GLOBAL_MEM_CACHE_SIZE: OUT(cl_ulong, 132 * 32768);
    case CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE: OUT(cl_uint, 128);
    case CL_DEVICE_GLOBAL_MEM_CACHE_TYPE: OUT(cl_uint, CL_READ_WRITE_CACHE);
    case CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE: OUT(cl_ulong, 65536);
    case CL_DEVICE_MAX_CONSTANT_ARGS: OUT(cl_uint, 9);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_LINKER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE: OUT(cl_bool, CL_TRUE);
    case CL_DEVICE_ERROR_CORRECTION_SUPPORT: OUT(cl_bool, CL_TRUE);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
    case CL_DEVICE_IMAGE_SUPPORT: OUT(cl_bool, CL_FALSE);
    case CL_DEVICE_QUEUE_PROPERTIES:
      OUT(cl_command_queue_properties,
          CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE | CL_QUEUE_PROFILING_ENABLE);
    case CL_DEVICE_PROFILING_TIMER_RESOLUTION: OUT(size_t, 1000);
    case CL_DEVICE_PLATFORM: OUT(cl_platform_id, &thePlatform);
    case CL_DEVICE_EXECUTION_CAPABILITIES: OUT(cl_device_exec_capabilities, CL_EXEC_KERNEL);
    case CL_DEVICE_SINGLE_FP_CONFIG:
      OUT(cl_device_fp_config, 63 | CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT);
    case CL_DEVICE_DOUBLE_FP_CONFIG: OUT(cl_device_fp_config, 63);
    case CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT: OUT(cl_uint, 1);
    case CL_DEVICE_PARTITION_MAX_SUB_DEVICES: OUT(cl_uint, 1);
    case CL_DEVICE_NUMERIC_VERSION: OUT(cl_version, CL_MAKE_VERSION(3, 0, 0));
    case 0x4000: OUT(cl_uint, sm / 10);
    case 0x4001: OUT(cl_uint, sm % 10);
    case 0x4002: OUT(cl_uint, 65536);
    case 0x4003: OUT(cl_uint, 32);
    case 0x4004: OUT(cl_bool, CL_TRUE);
    case 0x4005: OUT(cl_bool, CL_FALSE);
    case 0x4006: OUT(cl_bool, CL_FALSE);
  }
  return CL_INVALID_VALUE;
}

static cl_context CL_API_CALL
createContext(const cl_context_properties*, cl_uint, const cl_device_id*,
              void(CL_CALLBACK*)(const char*, const void*, size_t, void*), void*, cl_int* s) {
  auto* c = new _cl_context;
  liveContext.up();
  if (s) *s = CL_SUCCESS;
  return c;
}
static cl_int CL_API_CALL retainContext(cl_context c) {
  retain(c);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseContext(cl_context c) {
  if (--c->refs == 0) {
    liveContext.down();
    delete c;
  }
  return CL_SUCCESS;
}
static cl_int CL_API_CALL contextInfo(cl_context, cl_context_info what, size_t size, void* p,
                                      size_t* ret) {
  if (what == CL_CONTEXT_DEVICES) OUT(cl_device_id, &theDevice);
  if (what == CL_CONTEXT_NUM_DEVICES) OUT(cl_uint, 1);
  return CL_INVALID_VALUE;
}
static cl_command_queue CL_API_CALL createQueue(cl_context c, cl_device_id,
                                                cl_command_queue_properties f, cl_int* s) {
  std::unique_lock<std::recursive_mutex> hold(L);
  auto* q = new _cl_command_queue;
  retain(c);
  q->context = c;
  q->properties = f;
  queues.insert(q);
  liveQueue.up();
  if (s) *s = CL_SUCCESS;
  return q;
}
static cl_command_queue CL_API_CALL createQueueWith(cl_context c, cl_device_id d,
                                                    const cl_queue_properties* f, cl_int* s) {
  cl_command_queue_properties v = 0;
  for (; f && *f; f += 2)
    if (f[0] == CL_QUEUE_PROPERTIES) v = f[1];
  return createQueue(c, d, v, s);
}
static cl_int CL_API_CALL finish(cl_command_queue q) {
  std::unique_lock<std::recursive_mutex> hold(L);
  ++calls[1];
  submit(q);
  waitUntil(hold, [&] { return q->commands.empty(); });
  return CL_SUCCESS;
}
static cl_int CL_API_CALL flush(cl_command_queue q) {
  std::unique_lock<std::recursive_mutex> hold(L);
  ++calls[2];
  submit(q);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL retainQueue(cl_command_queue q) {
  retain(q);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseQueue(cl_command_queue q) {
  if (--q->refs == 0) {
    finish(q);
    std::unique_lock<std::recursive_mutex> hold(L);
    queues.erase(q);
    liveQueue.down();
    releaseContext(q->context);
    delete q;
  }
  return CL_SUCCESS;
}
static cl_int CL_API_CALL queueInfo(cl_command_queue q, cl_command_queue_info what, size_t size,
                                    void* p, size_t* ret) {
  if (what == CL_QUEUE_CONTEXT) OUT(cl_context, q->context);
  if (what == CL_QUEUE_DEVICE) OUT(cl_device_id, &theDevice);
  if (what == CL_QUEUE_PROPERTIES) OUT(cl_command_queue_properties, q->properties);
  return CL_INVALID_VALUE;
}

// ---- memory ----
static cl_mem CL_API_CALL createBuffer(cl_context c, cl_mem_flags f, size_t n, void* host,
                                       cl_int* s) {
  cl_ulong most;
  deviceInfo(&theDevice, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8, &most, nullptr);
  if (n == 0 || n > most) {
    if (s) *s = CL_INVALID_BUFFER_SIZE;
    return nullptr;
  }
  static const long failing = std::stol(environment("SIMULATED_GPU_FAIL_BUFFER", "0"));
  if (failing && liveMem.all + 1 >= failing) {
    if (s) *s = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return nullptr;
  }
  auto* m = new _cl_mem;
  m->context = c;
  retain(c);
  m->size = n;
  m->flags = f;
  m->mapped = (n + 3 * 65536) & ~65535ull;
  u8* base = (u8*)mmap(nullptr, m->mapped, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    delete m;
    if (s) *s = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return nullptr;
  }
  m->data = base + 65536;
  if (n <= (256u << 20)) {
    for (size_t i = 0; i + 1 < n; i += 2) *(uint16_t*)(m->data + i) = 0x7FF7;
  }
  if (host && (f & (CL_MEM_COPY_HOST_PTR | CL_MEM_USE_HOST_PTR))) memcpy(m->data, host, n);
  m->shadow = new ptx::Shadow;
  m->shadow->base = (u64)m->data;
  m->shadow->bytes = n;
  std::unique_lock<std::recursive_mutex> hold(L);
  mems.insert(m);
  liveMem.up();
  allocated += n;
  if (allocated > mostAllocated) mostAllocated = allocated.load();
  if (s) *s = CL_SUCCESS;
  return m;
}
static cl_mem CL_API_CALL createSubBuffer(cl_mem parent, cl_mem_flags f, cl_buffer_create_type,
                                          const void* info, cl_int* s) {
  auto* r = (const cl_buffer_region*)info;
  auto fail = [&](cl_int e) {
    if (s) *s = e;
    return (cl_mem) nullptr;
  };
  if (parent->parent) return fail(CL_INVALID_MEM_OBJECT);
  if (r->size == 0) return fail(CL_INVALID_BUFFER_SIZE);
  if (r->origin + r->size > parent->size) return fail(CL_INVALID_VALUE);
  if (r->origin % 512) return fail(CL_MISALIGNED_SUB_BUFFER_OFFSET);
  auto* m = new _cl_mem;
  m->context = parent->context;
  retain(m->context);
  m->parent = parent;
  retain(parent);
  m->offset = r->origin;
  m->size = r->size;
  m->data = parent->data + r->origin;
  m->shadow = parent->shadow;
  m->flags = f;
  std::unique_lock<std::recursive_mutex> hold(L);
  mems.insert(m);
  liveMem.up();
  if (s) *s = CL_SUCCESS;
  return m;
}
static void freeMem(cl_mem m) {
  std::unique_lock<std::recursive_mutex> hold(L);
  if (--m->refs) return;
  mems.erase(m);
  liveMem.down();
  if (m->maps) report("buffer released while it is mapped", std::to_string(m->size));
  if (m->parent)
    freeMem(m->parent);
  else {
    munmap(m->data - 65536, m->mapped);
    delete m->shadow;
    allocated -= m->size;
  }
  if (m->host) free(m->host);
  releaseContext(m->context);
  delete m;
}
static cl_int CL_API_CALL retainMem(cl_mem m) {
  retain(m);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseMem(cl_mem m) {
  freeMem(m);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL memInfo(cl_mem m, cl_mem_info what, size_t size, void* p, size_t* ret) {
  if (what == CL_MEM_SIZE) OUT(size_t, m->size);
  if (what == CL_MEM_FLAGS) OUT(cl_mem_flags, m->flags);
  if (what == CL_MEM_CONTEXT) OUT(cl_context, m->context);
  if (what == CL_MEM_OFFSET) OUT(size_t, m->offset);
  return CL_INVALID_VALUE;
}
static std::function<void()> with(std::vector<cl_mem> ms, std::function<void()> body) {
  for (auto* m : ms) retain(m);
  return [ms, body] {
    body();
    for (auto* m : ms) freeMem(m);
  };
}
static bool inside(cl_mem m, size_t o, size_t n, const char* what) {
  if (o + n <= m->size && n) return true;
  report(std::string(what) + " outside the buffer",
         std::to_string(o) + "+" + std::to_string(n) + " of " + std::to_string(m->size));
  return false;
}
static cl_int CL_API_CALL writeBuffer(cl_command_queue q, cl_mem m, cl_bool block, size_t o,
                                      size_t n, const void* src, cl_uint k, const cl_event* l,
                                      cl_event* e) {
  if (!inside(m, o, n, "clEnqueueWriteBuffer")) return CL_INVALID_VALUE;
  return enqueue(q, CL_COMMAND_WRITE_BUFFER, "write", k, l, e,
                 with({m}, [=] { memcpy(m->data + o, src, n); }), block);
}
static cl_int CL_API_CALL readBuffer(cl_command_queue q, cl_mem m, cl_bool block, size_t o,
                                     size_t n, void* dst, cl_uint k, const cl_event* l,
                                     cl_event* e) {
  if (!inside(m, o, n, "clEnqueueReadBuffer")) return CL_INVALID_VALUE;
  return enqueue(q, CL_COMMAND_READ_BUFFER, "read", k, l, e,
                 with({m}, [=] { memcpy(dst, m->data + o, n); }), block);
}
static cl_int CL_API_CALL copyBuffer(cl_command_queue q, cl_mem a, cl_mem b, size_t ao, size_t bo,
                                     size_t n, cl_uint k, const cl_event* l, cl_event* e) {
  if (!inside(a, ao, n, "clEnqueueCopyBuffer") || !inside(b, bo, n, "clEnqueueCopyBuffer"))
    return CL_INVALID_VALUE;
  u8 *x = a->data + ao, *y = b->data + bo;
  if (x < y + n && y < x + n) {
    report("copy overlaps", std::to_string(n));
    return CL_MEM_COPY_OVERLAP;
  }
  return enqueue(q, CL_COMMAND_COPY_BUFFER, "copy", k, l, e,
                 with({a, b}, [=] { memcpy(b->data + bo, a->data + ao, n); }));
}
static cl_int CL_API_CALL fillBuffer(cl_command_queue q, cl_mem m, const void* pattern, size_t pn,
                                     size_t o, size_t n, cl_uint k, const cl_event* l,
                                     cl_event* e) {
  if (!inside(m, o, n, "clEnqueueFillBuffer")) return CL_INVALID_VALUE;
  if (o % pn || n % pn) return CL_INVALID_VALUE;
  std::vector<u8> v((const u8*)pattern, (const u8*)pattern + pn);
  return enqueue(q, CL_COMMAND_FILL_BUFFER, "fill", k, l, e, with({m}, [=] {
                   if (v.size() == 1)
                     memset(m->data + o, v[0], n);
                   else
                     for (size_t i = 0; i < n; i += v.size())
                       memcpy(m->data + o + i, v.data(), v.size());
                 }));
}
static void* CL_API_CALL mapBuffer(cl_command_queue q, cl_mem m, cl_bool block, cl_map_flags f,
                                   size_t o, size_t n, cl_uint k, const cl_event* l, cl_event* e,
                                   cl_int* s) {
  if (!inside(m, o, n, "clEnqueueMapBuffer")) {
    if (s) *s = CL_INVALID_VALUE;
    return nullptr;
  }
  std::unique_lock<std::recursive_mutex> hold(L);
  if (!m->host) m->host = (u8*)aligned_alloc(4096, (m->size + 4095) / 4096 * 4096);
  ++m->maps;
  hold.unlock();
  bool invalidate = f & CL_MAP_WRITE_INVALIDATE_REGION;
  cl_int r = enqueue(q, CL_COMMAND_MAP_BUFFER, "map", k, l, e,
                     with({m},
                          [=] {
                            if (!invalidate)
                              memcpy(m->host + o, m->data + o, n);
                            else
                              memset(m->host + o, 0xF7, n);
                          }),
                     block);
  if (s) *s = r;
  return m->host + o;
}
static cl_int CL_API_CALL unmap(cl_command_queue q, cl_mem m, void*, cl_uint k, const cl_event* l,
                                cl_event* e) {
  {
    std::unique_lock<std::recursive_mutex> hold(L);
    --m->maps;
  }
  return enqueue(q, CL_COMMAND_UNMAP_MEM_OBJECT, "unmap", k, l, e,
                 with({m}, [=] { memcpy(m->data, m->host, m->size); }));
}

// ---- events ----
static cl_int CL_API_CALL waitEvents(cl_uint n, const cl_event* l) {
  std::unique_lock<std::recursive_mutex> hold(L);
  ++calls[3];
  for (cl_uint i = 0; i < n; ++i) {
    if (l[i]->status > CL_SUBMITTED) submit(l[i]->queue);
    waitUntil(hold, [&] { return l[i]->status <= CL_COMPLETE; });
  }
  return CL_SUCCESS;
}
static cl_int CL_API_CALL eventInfo(cl_event e, cl_event_info what, size_t size, void* p,
                                    size_t* ret) {
  std::unique_lock<std::recursive_mutex> hold(L);
  if (what == CL_EVENT_COMMAND_EXECUTION_STATUS) OUT(cl_int, e->status);
  if (what == CL_EVENT_COMMAND_QUEUE) OUT(cl_command_queue, e->queue);
  if (what == CL_EVENT_COMMAND_TYPE) OUT(cl_command_type, e->type);
  return CL_INVALID_VALUE;
}
static cl_int CL_API_CALL profiling(cl_event e, cl_profiling_info what, size_t size, void* p,
                                    size_t* ret) {
  std::unique_lock<std::recursive_mutex> hold(L);
  if (!(e->queue->properties & CL_QUEUE_PROFILING_ENABLE) || e->status != CL_COMPLETE)
    return CL_PROFILING_INFO_NOT_AVAILABLE;
  if (what < CL_PROFILING_COMMAND_QUEUED || what > CL_PROFILING_COMMAND_END)
    return CL_INVALID_VALUE;
  OUT(cl_ulong, e->times[what - CL_PROFILING_COMMAND_QUEUED]);
}
static cl_int CL_API_CALL retainEvent(cl_event e) {
  retain(e);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseEventAPI(cl_event e) {
  std::unique_lock<std::recursive_mutex> hold(L);
  releaseEvent(e);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL markerList(cl_command_queue q, cl_uint k, const cl_event* l,
                                     cl_event* e) {
  return enqueue(q, CL_COMMAND_MARKER, "marker", k, l, e, [] {});
}
static cl_int CL_API_CALL barrierList(cl_command_queue q, cl_uint k, const cl_event* l,
                                      cl_event* e) {
  return enqueue(q, CL_COMMAND_BARRIER, "barrier", k, l, e, [] {});
}

// ---- programs ----
static u64 hashOf(const std::string& s) {
  u64 h = 0xCBF29CE484222325ull;
  for (unsigned char c : s) h = (h ^ c) * 0x100000001B3ull;
  return h;
}
static std::string contents(const std::string& path) {
  std::ifstream f(path);
  std::stringstream s;
  s << f.rdbuf();
  return s.str();
}
static std::string hex(u64 v) {
  char b[20];
  snprintf(b, sizeof b, "%016llx", (unsigned long long)v);
  return b;
}
static cl_program CL_API_CALL programWithSource(cl_context c, cl_uint n, const char** texts,
                                                const size_t* lengths, cl_int* s) {
  auto* p = new _cl_program;
  p->context = c;
  liveProgram.up();
  for (cl_uint i = 0; i < n; ++i)
    p->source += lengths && lengths[i] ? std::string(texts[i], lengths[i]) : std::string(texts[i]);
  if (s) *s = CL_SUCCESS;
  return p;
}
static cl_program CL_API_CALL programWithBinary(cl_context c, cl_uint, const cl_device_id*,
                                                const size_t* lengths, const unsigned char** b,
                                                cl_int* bs, cl_int* s) {
  std::string t((const char*)b[0], lengths[0]);
  if (t.find(".version") == std::string::npos) {
    if (bs) *bs = CL_INVALID_BINARY;
    if (s) *s = CL_INVALID_BINARY;
    return nullptr;
  }
  auto* p = new _cl_program;
  p->context = c;
  liveProgram.up();
  p->ptx = t.c_str();
  p->fromBinary = true;
  if (bs) *bs = CL_SUCCESS;
  if (s) *s = CL_SUCCESS;
  return p;
}
static std::string quoted(const std::string& s) {
  std::string o = "'";
  for (char c : s) {
    if (c == '\'')
      o += "'\\''";
    else
      o += c;
  }
  return o + "'";
}
static cl_int CL_API_CALL buildProgram(cl_program p, cl_uint, const cl_device_id*,
                                       const char* options,
                                       void(CL_CALLBACK* done)(cl_program, void*), void* user) {
  static const std::string cache = environment("SIMULATED_GPU_CACHE", "/tmp/ptxsim-cache"),
                           sm = environment("SIMULATED_GPU_SM", "90"),
                           ptxas =
                               environment("SIMULATED_GPU_PTXAS", ".build-tools/ptxas/bin/ptxas");
  p->options = options ? options : "";
  std::string arch = sm;
  static const std::string more = environment("SIMULATED_GPU_CLANG_OPTIONS", "");
  mkdir(cache.c_str(), 0777);
  p->hash = hashOf(p->source + "\1" + (p->fromBinary ? p->ptx : "") + "\1" + p->options + "\1" +
                   sm + more);
  std::string base = cache + "/" + hex(p->hash),
              own = base + "." + std::to_string(getpid()) + "." + std::to_string(now() & 0xFFFFFF);
  if (!p->fromBinary) {
    if (access((base + ".ptx").c_str(), R_OK)) {
      std::ofstream(own + ".cl") << p->source;
      std::string command =
          "clang-16 -x cl -fgnu-keywords -fgnu89-inline -O3 -Wno-linker-warnings "
          "--target=nvptx64-unknown-nvcl -Xclang -mlink-bitcode-file -Xclang "
          "/usr/lib/clc/nvptx64--nvidiacl.bc -march=sm_" +
          sm + " -Xclang -target-feature -Xclang " + (sm == "90" ? "+ptx78" : "+ptx75");
      // CLBlast has barriers in functions, which are to be inlined: those are not simulated in calls.
      if (p->source.find("XgemmDirect") != std::string::npos)
        command += " -mllvm -inline-threshold=1000000";
      command += " " + more;
      bool standard = false;
      std::istringstream in(p->options);
      std::string w;
      while (in >> w) {
        if (w.compare(0, 7, "-cl-std") == 0) standard = true;
        if (w.compare(0, 7, "-cl-nv-") == 0 && w.find("arch") == std::string::npos) continue;
        command += " " + quoted(w);
      }
      if (!standard) command += " -cl-std=CL1.2";
      command += " -S -o " + own + ".ptx " + own + ".cl 2> " + own + ".log";
      int r = system(command.c_str());
      p->log = contents(own + ".log");
      rename((own + ".cl").c_str(), (base + ".cl").c_str());
      if (r) {
        unlink((own + ".log").c_str());
        unlink((own + ".ptx").c_str());
        ptx::trouble("host: program does not compile", p->options, p->log.substr(0, 600));
        return CL_BUILD_PROGRAM_FAILURE;
      }
      rename((own + ".log").c_str(), (base + ".log").c_str());
      rename((own + ".ptx").c_str(), (base + ".ptx").c_str());
      std::ofstream(base + ".options") << p->options;
    }
    p->ptx = contents(base + ".ptx");
    p->log = contents(base + ".log");
  } else if (access((base + ".ptx").c_str(), R_OK))
    std::ofstream(base + ".ptx") << p->ptx;
  if (p->ptx.find(".target sm_90a") != std::string::npos) arch = "90a";
  if (ptxas != "none" && access((base + ".ptxas").c_str(), R_OK)) {
    int r = system((ptxas + " -v -arch=sm_" + arch + " -o " + own + ".cubin " + base + ".ptx 2> " +
                    own + ".ptxas")
                       .c_str());
    if (r) {
      p->log += contents(own + ".ptxas");
      ptx::trouble("host: ptxas refuses", p->options, p->log.substr(0, 600));
      unlink((own + ".ptxas").c_str());
      return CL_BUILD_PROGRAM_FAILURE;
    }
    rename((own + ".ptxas").c_str(), (base + ".ptxas").c_str());
    rename((own + ".cubin").c_str(), (base + ".cubin").c_str());
  }
  p->ptxas = contents(base + ".ptxas");
  p->module = ptx::parse(p->ptx);
  if (!p->module->error.empty()) {
    p->log += "error: " + p->module->error;
    ptx::trouble("host: PTX is not understood", p->options, p->module->error);
    return CL_BUILD_PROGRAM_FAILURE;
  }
  p->built = true;
  if (done) done(p, user);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL retainProgram(cl_program p) {
  retain(p);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseProgram(cl_program p) {
  if (--p->refs == 0) {
    liveProgram.down();
    delete p;
  }
  return CL_SUCCESS;
}
static cl_int CL_API_CALL programInfo(cl_program q, cl_program_info what, size_t size, void* p,
                                      size_t* ret) {
  if (what == CL_PROGRAM_BINARY_SIZES) OUT(size_t, q->ptx.size() + 1);
  if (what == CL_PROGRAM_BINARIES) {
    if (ret) *ret = sizeof(void*);
    if (p) memcpy(*(void**)p, q->ptx.c_str(), q->ptx.size() + 1);
    return CL_SUCCESS;
  }
  if (what == CL_PROGRAM_NUM_DEVICES) OUT(cl_uint, 1);
  if (what == CL_PROGRAM_DEVICES) OUT(cl_device_id, &theDevice);
  if (what == CL_PROGRAM_CONTEXT) OUT(cl_context, q->context);
  if (what == CL_PROGRAM_SOURCE) TEXT(q->source);
  return CL_INVALID_VALUE;
}
static cl_int CL_API_CALL buildInfo(cl_program q, cl_device_id, cl_program_build_info what,
                                    size_t size, void* p, size_t* ret) {
  if (what == CL_PROGRAM_BUILD_LOG) TEXT(q->log);
  if (what == CL_PROGRAM_BUILD_STATUS)
    OUT(cl_build_status, q->built ? CL_BUILD_SUCCESS : CL_BUILD_ERROR);
  if (what == CL_PROGRAM_BUILD_OPTIONS) TEXT(q->options);
  return CL_INVALID_VALUE;
}
static cl_kernel CL_API_CALL createKernel(cl_program p, const char* name, cl_int* s) {
  std::unique_lock<std::recursive_mutex> hold(L);
  if (!p->built) {
    if (s) *s = CL_INVALID_PROGRAM_EXECUTABLE;
    return nullptr;
  }
  auto& k = p->kernels[name];
  if (!k) k = ptx::decode(p->module, name);
  if (!k->error.empty()) {
    ptx::trouble("host: kernel is not understood", std::string(name) + " " + p->options, k->error);
    if (s)
      *s = k->error.compare(0, 8, "no entry") == 0 ? CL_INVALID_KERNEL_NAME : CL_INVALID_KERNEL;
    return nullptr;
  }
  auto* r = new _cl_kernel;
  r->program = p;
  retain(p);
  r->kernel = k;
  r->name = name;
  r->args.resize(k->entry->params.size());
  r->mems.assign(k->entry->params.size(), nullptr);
  liveKernel.up();
  if (s) *s = CL_SUCCESS;
  return r;
}
static cl_int CL_API_CALL retainKernel(cl_kernel k) {
  retain(k);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL releaseKernel(cl_kernel k) {
  if (--k->refs == 0) {
    releaseProgram(k->program);
    liveKernel.down();
    delete k;
  }
  return CL_SUCCESS;
}
static cl_int CL_API_CALL setArg(cl_kernel k, cl_uint i, size_t n, const void* v) {
  if (i >= k->args.size()) return CL_INVALID_ARG_INDEX;
  auto& p = k->kernel->entry->params[i];
  if (p.pointer) {
    if (n != sizeof(cl_mem)) return CL_INVALID_ARG_SIZE;
    cl_mem m = v ? *(const cl_mem*)v : nullptr;
    std::unique_lock<std::recursive_mutex> hold(L);
    if (m && !mems.count(m)) {
      report("argument is no memory object", k->name + " argument " + std::to_string(i));
      return CL_INVALID_MEM_OBJECT;
    }
    k->mems[i] = m;
    u64 a = m ? (u64)m->data : 0;
    k->args[i].assign((u8*)&a, (u8*)&a + 8);
    return CL_SUCCESS;
  }
  if (n != p.bytes) {
    report("argument of another size", k->name + " argument " + std::to_string(i) + ": " +
                                           std::to_string(n) + " for " + std::to_string(p.bytes));
    return CL_INVALID_ARG_SIZE;
  }
  k->args[i].assign((const u8*)v, (const u8*)v + n);
  return CL_SUCCESS;
}
static cl_int CL_API_CALL workGroupInfo(cl_kernel k, cl_device_id, cl_kernel_work_group_info what,
                                        size_t size, void* p, size_t* ret) {
  if (what == CL_KERNEL_WORK_GROUP_SIZE) OUT(size_t, 1024);
  if (what == CL_KERNEL_LOCAL_MEM_SIZE) OUT(cl_ulong, k->kernel->sharedBytes);
  if (what == CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE) OUT(size_t, 32);
  if (what == CL_KERNEL_PRIVATE_MEM_SIZE) OUT(cl_ulong, 0);
  if (what == CL_KERNEL_COMPILE_WORK_GROUP_SIZE) {
    size_t v[3] = {(size_t)k->kernel->entry->reqd[0], (size_t)k->kernel->entry->reqd[1],
                   (size_t)k->kernel->entry->reqd[2]};
    if (ret) *ret = sizeof v;
    if (p) memcpy(p, v, sizeof v);
    return CL_SUCCESS;
  }
  return CL_INVALID_VALUE;
}
static cl_int CL_API_CALL kernelInfo(cl_kernel k, cl_kernel_info what, size_t size, void* p,
                                     size_t* ret) {
  if (what == CL_KERNEL_FUNCTION_NAME) TEXT(k->name);
  if (what == CL_KERNEL_NUM_ARGS) OUT(cl_uint, (cl_uint)k->args.size());
  if (what == CL_KERNEL_PROGRAM) OUT(cl_program, k->program);
  if (what == CL_KERNEL_CONTEXT) OUT(cl_context, k->program->context);
  return CL_INVALID_VALUE;
}
static cl_int CL_API_CALL ndrange(cl_command_queue q, cl_kernel k, cl_uint dims,
                                  const size_t* offset, const size_t* global, const size_t* local,
                                  cl_uint n, const cl_event* l, cl_event* e) {
  auto launch = std::make_shared<ptx::Launch>();
  launch->kernel = k->kernel.get();
  if (dims < 1 || dims > 3) return CL_INVALID_WORK_DIMENSION;
  u64 items = 1;
  for (cl_uint d = 0; d < 3; ++d) {
    u64 g = d < dims ? global[d] : 1, w = d < dims ? (local ? local[d] : (d == 0 ? 64 : 1)) : 1;
    if (offset && d < dims && offset[d]) {
      report("global offset", k->name);
      return CL_INVALID_GLOBAL_OFFSET;
    }
    if (!w || g % w) {
      report("local size does not divide the global one", k->name);
      return CL_INVALID_WORK_GROUP_SIZE;
    }
    launch->local[d] = w;
    launch->groups[d] = g / w;
    items *= w;
  }
  if (items > 1024 || launch->local[2] > 64) {
    report("group is too large", k->name);
    return CL_INVALID_WORK_GROUP_SIZE;
  }
  if (launch->groups[1] > 65535 || launch->groups[2] > 65535) {
    report("more than 65535 groups along axis 1 or 2", k->name);
    return CL_INVALID_GLOBAL_WORK_SIZE;
  }
  auto& req = k->kernel->entry->reqd;
  if (req[0])
    for (int d = 0; d < 3; ++d)
      if ((u64)req[d] != launch->local[d]) {
        report("group is not what reqd_work_group_size says", k->name);
        return CL_INVALID_WORK_GROUP_SIZE;
      }
  static const u32 failing = std::stoul(environment("SIMULATED_GPU_FAIL_LAUNCH", "0"));
  if (failing && launchNumber + 1 == failing) {
    ++launchNumber;
    return CL_OUT_OF_RESOURCES;
  }
  launch->params.assign(k->kernel->paramBytes + 16, 0);
  std::vector<cl_mem> used;
  std::unique_lock<std::recursive_mutex> hold(L);
  ++calls[0];
  for (size_t i = 0; i < k->args.size(); ++i) {
    if (k->args[i].empty()) {
      report("argument not set", k->name + " argument " + std::to_string(i));
      return CL_INVALID_KERNEL_ARGS;
    }
    memcpy(launch->params.data() + k->kernel->paramOffsets[i], k->args[i].data(),
           k->args[i].size());
    if (cl_mem m = k->mems[i]) {
      if (!mems.count(m)) {
        report("argument was released", k->name);
        return CL_INVALID_KERNEL_ARGS;
      }
      used.push_back(m);
      launch->ranges.push_back({(u64)m->data, (u64)m->data + m->size, (int)i, m->shadow});
    }
  }
  for (auto& [name, v] : k->program->module->variables)
    if (v.memory)
      launch->ranges.push_back(
          {(u64)v.memory->data(), (u64)v.memory->data() + v.bytes, -1, nullptr});
  std::sort(launch->ranges.begin(), launch->ranges.end(),
            [](auto& a, auto& b) { return a.lo < b.lo; });
  std::vector<ptx::Range> merged;
  for (auto& r : launch->ranges) {
    if (!merged.empty() && r.lo < merged.back().hi)
      merged.back().hi = std::max(merged.back().hi, r.hi);
    else
      merged.push_back(r);
  }
  launch->ranges = merged;
  launch->label = k->name + " [" + k->program->options + "]";
  launch->number = ++launchNumber;
  u64 groups = launch->groups[0] * launch->groups[1] * launch->groups[2];
  std::string numbers;
  for (size_t i = 0; i < k->args.size(); ++i)
    if (!k->mems[i]) numbers.append((const char*)k->args[i].data(), k->args[i].size());
  std::string key = hex(k->program->hash) + " " + hex(hashOf(numbers)) + " " + k->name + " " +
                    std::to_string(groups) + "x" + std::to_string(items);
  auto& s = statistics[key];
  if (!s) {
    s = std::make_unique<Stats>();
    s->kernel = k->kernel;
    s->label = launch->label;
    s->name = k->name;
    s->programHash = k->program->hash;
    s->groups = groups;
    s->local = items;
  }
  s->bytes = 0;
  {
    std::set<cl_mem> seen;
    for (auto* m : used)
      if (seen.insert(m).second && (m->parent || m->size < (16u << 20))) s->bytes += m->size;
  }
  Stats* stats = s.get();
  std::shared_ptr<ptx::Kernel> keep = k->kernel;
  hold.unlock();
  return enqueue(q, CL_COMMAND_NDRANGE_KERNEL, "launch " + k->name, n, l, e,
                 with(used, [launch, stats, keep] { ptx::execute(*launch, stats->stats); }));
}

static void* CL_API_CALL extensionAddress(const char*) { return nullptr; }
static void* CL_API_CALL extensionAddressFor(cl_platform_id, const char*) { return nullptr; }
static cl_int CL_API_CALL retainDevice(cl_device_id) { return CL_SUCCESS; }

static void atEnd() {
  std::string path = environment("SIMULATED_GPU_REPORT", "");
  FILE* f = path.empty() ? nullptr : fopen(path.c_str(), "a");
  if (!f) return;
  fprintf(f, "## process %d launches %llu finish %llu flush %llu wait %llu\n", getpid(),
          (unsigned long long)calls[0], (unsigned long long)calls[1], (unsigned long long)calls[2],
          (unsigned long long)calls[3]);
  auto line = [&](const char* n, Live& l) {
    fprintf(f, "## %s: %ld live at the end, %ld at most, %ld made\n", n, l.now.load(),
            l.most.load(), l.all.load());
  };
  line("buffers", liveMem);
  line("events", liveEvent);
  line("kernels", liveKernel);
  line("programs", liveProgram);
  line("queues", liveQueue);
  line("contexts", liveContext);
  fprintf(f, "## memory at most %llu bytes\n", (unsigned long long)mostAllocated.load());
  fprintf(f, "## troubles\n");
  ptx::dumpTroubles(f);
  fclose(f);
  std::string sp = environment("SIMULATED_GPU_STATS", "");
  if (sp.empty()) return;
  f = fopen(sp.c_str(), "a");
  for (auto& [key, s] : statistics) {
    auto& st = s->stats;
    if (!st.launches) continue;
    fprintf(f,
            "KERNEL\t%s\t%s\tran=%llu\tlaunches=%llu\tgroups=%llu\titems=%llu\tsampled=%"
            "llu\tseconds=%.4f\tshared=%u\tprogram=%s\tbytes=%llu\tunique=%llu\n",
            s->name.c_str(), s->label.c_str(), (unsigned long long)st.ran,
            (unsigned long long)st.launches, (unsigned long long)s->groups,
            (unsigned long long)s->local, (unsigned long long)st.sampledGroups, st.seconds,
            s->kernel->sharedBytes, hex(s->programHash).c_str(), (unsigned long long)s->bytes,
            (unsigned long long)st.uniqueSectors);
    for (size_t c = 0; c < st.perCode.size(); ++c)
      for (size_t i = 0; i < st.perCode[c].size(); ++i) {
        auto& x = st.perCode[c][i];
        if (!x.count) continue;
        auto& n = s->kernel->codes[c].ins[i];
        fprintf(f, "I\t%d\t%s\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\t%llx\t%s\n", n.line,
                ptx::kindNames[n.kind], (unsigned long long)x.count, (unsigned long long)x.lanes,
                (unsigned long long)x.partial, (unsigned long long)x.mem.requests,
                (unsigned long long)x.mem.lanes, (unsigned long long)x.mem.units,
                (unsigned long long)x.mem.ideal, (unsigned long long)x.argsSeen, n.text.c_str());
      }
  }
  fclose(f);
}

static cl_int unsupported() { return CL_INVALID_OPERATION; }
static void prepare() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (size_t i = 0; i < sizeof table / sizeof(void*); ++i)
      ((void**)&table)[i] = (void*)unsupported;
    table.clGetPlatformIDs = platformIDs;
    table.clGetPlatformInfo = platformInfo;
    table.clGetDeviceIDs = deviceIDs;
    table.clGetDeviceInfo = deviceInfo;
    table.clCreateContext = createContext;
    table.clRetainContext = retainContext;
    table.clReleaseContext = releaseContext;
    table.clGetContextInfo = contextInfo;
    table.clCreateCommandQueue = createQueue;
    table.clCreateCommandQueueWithProperties = createQueueWith;
    table.clRetainCommandQueue = retainQueue;
    table.clReleaseCommandQueue = releaseQueue;
    table.clGetCommandQueueInfo = queueInfo;
    table.clCreateBuffer = createBuffer;
    table.clCreateSubBuffer = createSubBuffer;
    table.clRetainMemObject = retainMem;
    table.clReleaseMemObject = releaseMem;
    table.clGetMemObjectInfo = memInfo;
    table.clCreateProgramWithSource = programWithSource;
    table.clCreateProgramWithBinary = programWithBinary;
    table.clRetainProgram = retainProgram;
    table.clReleaseProgram = releaseProgram;
    table.clBuildProgram = buildProgram;
    table.clGetProgramInfo = programInfo;
    table.clGetProgramBuildInfo = buildInfo;
    table.clCreateKernel = createKernel;
    table.clRetainKernel = retainKernel;
    table.clReleaseKernel = releaseKernel;
    table.clSetKernelArg = setArg;
    table.clGetKernelInfo = kernelInfo;
    table.clGetKernelWorkGroupInfo = workGroupInfo;
    table.clWaitForEvents = waitEvents;
    table.clGetEventInfo = eventInfo;
    table.clRetainEvent = retainEvent;
    table.clReleaseEvent = releaseEventAPI;
    table.clGetEventProfilingInfo = profiling;
    table.clFlush = flush;
    table.clFinish = finish;
    table.clEnqueueReadBuffer = readBuffer;
    table.clEnqueueWriteBuffer = writeBuffer;
    table.clEnqueueCopyBuffer = copyBuffer;
    table.clEnqueueFillBuffer = fillBuffer;
    table.clEnqueueMapBuffer = mapBuffer;
    table.clEnqueueUnmapMemObject = unmap;
    table.clEnqueueNDRangeKernel = ndrange;
    table.clEnqueueMarkerWithWaitList = markerList;
    table.clEnqueueBarrierWithWaitList = barrierList;
    table.clGetExtensionFunctionAddress = extensionAddress;
    table.clGetExtensionFunctionAddressForPlatform = extensionAddressFor;
    table.clRetainDevice = retainDevice;
    table.clReleaseDevice = retainDevice;
    auto& s = ptx::settings;
    auto on = [](const char* n, const char* d) { return environment(n, d) == "1"; };
    s.races = on("SIMULATED_GPU_RACES", "1");
    s.globalRaces = on("SIMULATED_GPU_GLOBAL_RACES", "1");
    s.truncate = on("SIMULATED_GPU_TRUNCATE", "0");
    s.reverse = on("SIMULATED_GPU_REVERSE", "0");
    s.early = on("SIMULATED_GPU_EARLY", "0");
    s.seed = std::stoul(environment("SIMULATED_GPU_SEED", "0"));
    s.sample = std::stoi(environment("SIMULATED_GPU_SAMPLE", "4"));
    lazy = on("SIMULATED_GPU_LAZY", "1");
    s.perf = on("SIMULATED_GPU_PERF", "0");
    s.perfAfter = std::stoul(environment("SIMULATED_GPU_PERF_AFTER", "70"));
    atexit(atEnd);
  });
}

extern "C" __attribute__((visibility("default"))) cl_int CL_API_CALL
clIcdGetPlatformIDsKHR(cl_uint n, cl_platform_id* p, cl_uint* count) {
  prepare();
  return platformIDs(n, p, count);
}
extern "C" __attribute__((visibility("default"))) cl_int CL_API_CALL
clGetPlatformInfo(cl_platform_id q, cl_platform_info what, size_t size, void* p, size_t* ret) {
  prepare();
  return platformInfo(q, what, size, p, ret);
}
extern "C" __attribute__((visibility("default"))) void* CL_API_CALL
clGetExtensionFunctionAddress(const char* n) {
  if (!strcmp(n, "clIcdGetPlatformIDsKHR")) return (void*)clIcdGetPlatformIDsKHR;
  if (!strcmp(n, "clGetPlatformInfo")) return (void*)clGetPlatformInfo;
  return nullptr;
}
