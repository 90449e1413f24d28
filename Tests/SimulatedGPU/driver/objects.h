// OpenCL's objects: reference counts, and how many of each kind live.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "driver/opencl.h"
#include "driver/order.h"
#include "machine/global_shadow.h"
#include "ptx/kernel.h"

namespace simulated {

extern cl_icd_dispatch dispatchTable;

// One lock for all objects. It is never destroyed: the worker outlives main.
std::recursive_mutex& driverLock();
using Hold = std::unique_lock<std::recursive_mutex>;

struct LiveCount {
  std::atomic<long> now{0}, most{0}, all{0};
};

struct Object {
  cl_icd_dispatch* dispatch = &dispatchTable;  // the loader wants it first
  std::atomic<int> references{1};
};

template <class Self>
struct CountedObject : Object {
  static inline LiveCount live;

  CountedObject() {
    const Hold hold(driverLock());
    ++live.all;
    if (++live.now > live.most) live.most = live.now.load();
  }
  ~CountedObject() { --live.now; }
  CountedObject(const CountedObject&) = delete;
  CountedObject& operator=(const CountedObject&) = delete;
};

template <class T>
void retain(T* object) {
  ++object->references;
}

template <class T>
void release(T* object) {
  const Hold hold(driverLock());
  if (--object->references == 0) delete object;
}

// A pointer that counts as a reference.
template <class T>
class Reference {
 public:
  Reference() = default;
  explicit Reference(T* object) : object(object) {
    if (object) retain(object);
  }
  Reference(const Reference& other) : Reference(other.object) {}
  Reference& operator=(Reference other) {
    std::swap(object, other.object);
    return *this;
  }
  ~Reference() {
    if (object) release(object);
  }
  T* get() const { return object; }
  T* operator->() const { return object; }
  explicit operator bool() const { return object; }

 private:
  T* object = nullptr;
};

}  // namespace simulated

// The loader's headers declare these names outside of a namespace.

struct _cl_platform_id : simulated::Object {};
struct _cl_device_id : simulated::Object {};
struct _cl_context : simulated::CountedObject<_cl_context> {
  const simulated::u64 number = live.all;  // 1 is the first of the process
};

struct _cl_command_queue : simulated::CountedObject<_cl_command_queue> {
  _cl_command_queue(cl_context context, cl_command_queue_properties properties);
  ~_cl_command_queue();

  const simulated::Reference<_cl_context> context;
  const cl_command_queue_properties properties;
  const simulated::u64 number;
  std::deque<simulated::Command*> commands;  // in order; the first may be running
  size_t submitted = 0;                      // of these, from the front
  bool isBusy = false;
  simulated::CommandClock clock;  // of its newest command
};

struct _cl_event : simulated::CountedObject<_cl_event> {
  simulated::Reference<_cl_command_queue> queue;
  cl_command_type type = 0;
  cl_int status = CL_QUEUED;
  cl_ulong times[4] = {0, 0, 0, 0};  // queued, submitted, started, ended; nanoseconds
  simulated::CommandClock clock;
};

struct _cl_mem : simulated::CountedObject<_cl_mem> {
  ~_cl_mem();

  struct Mapping {
    size_t offset, bytes;
    bool writes;
  };

  simulated::Reference<_cl_context> context;
  simulated::Reference<_cl_mem> parent;  // of a sub-buffer
  size_t offset = 0;                     // in the parent
  size_t size = 0;
  cl_mem_flags flags = 0;
  simulated::u8* data = nullptr;
  size_t reservedBytes = 0;           // of the pages around `data`
  simulated::u8* hostCopy = nullptr;  // the memory that clEnqueueMapBuffer gives
  std::multimap<void*, Mapping> mappings;
  std::unique_ptr<simulated::GlobalShadow> shadow;  // of a whole buffer
  simulated::AccessHistory history;                 // of a whole buffer

  _cl_mem* root() { return parent ? parent.get() : this; }
};

struct _cl_program : simulated::CountedObject<_cl_program> {
  simulated::Reference<_cl_context> context;
  std::string source, options, ptx, log;
  std::map<std::string, int> registers;  // of an item, for each kernel; empty without ptxas
  bool isFromBinary = false;
  bool isBuilt = false;
  std::string key;  // names its files in the cache
  std::shared_ptr<simulated::Module> module;
  std::map<std::string, std::shared_ptr<simulated::Kernel>> kernels;
};

struct _cl_kernel : simulated::CountedObject<_cl_kernel> {
  simulated::Reference<_cl_program> program;
  std::shared_ptr<simulated::Kernel> kernel;
  std::string name;
  std::vector<std::vector<simulated::u8>> arguments;  // bytes; empty if not set
  std::vector<cl_mem> buffers;  // of arguments that are pointers; not retained
};
