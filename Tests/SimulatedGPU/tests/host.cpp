// Launches one kernel through OpenCL, as a program that uses the simulated device would.
//
//   host FAULT SOURCE OPTIONS KERNEL GLOBAL LOCAL ARGUMENT...
//
// FAULT is `none`, or a mistake of the host that the device must report (see `faults` below). An
// ARGUMENT is `in:BYTES`, `out:BYTES` or `inout:BYTES` for a buffer, `words:N,N,...` for one of these
// numbers with 32 bits, `int:N`, or `null`. Inputs hold ones as bf16, which are 1.00194 as float. Prints
// the distinct numbers of the first result, as floats. Exits with 0 unless OpenCL refuses what FAULT does
// not explain.
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::set<std::string> faults = {
    "none",               // all is ordered, flushed and released
    "unset-argument",     // the last argument is not set
    "argument-size",      // a pointer of 4 bytes, or a number of 2
    "released-argument",  // the last buffer is released before the launch
    "no-flush",           // another queue waits for the launch, which was not flushed
    "no-order",           // another queue reads the result without waiting for the launch
    "read-outside",       // a read of more than the buffer has
    "group-size",         // a local size that does not divide the global one
    "leak",               // buffers that are not released
};

std::string fault;

void check(cl_int code, const char* call) {
  if (code == CL_SUCCESS) return;
  std::fprintf(stderr, "%s failed with %d\n", call, code);
  std::exit(fault == "none" ? 1 : 0);
}

struct Buffer {
  cl_mem memory;
  size_t bytes;
  bool isResult;
};

class Program {
 public:
  Program() {
    cl_platform_id platform;
    check(clGetPlatformIDs(1, &platform, nullptr), "clGetPlatformIDs");
    check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_GPU, 1, &device, nullptr), "clGetDeviceIDs");
    cl_int code;
    context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, &code);
    check(code, "clCreateContext");
    for (cl_command_queue& queue : queues) {
      queue = clCreateCommandQueue(context, device, 0, &code);
      check(code, "clCreateCommandQueue");
    }
  }

  void build(const std::string& path, const std::string& options, const std::string& name) {
    std::ifstream file(path);
    std::stringstream stream;
    stream << file.rdbuf();
    const std::string source = stream.str();
    const char* text = source.c_str();
    cl_int code;
    program = clCreateProgramWithSource(context, 1, &text, nullptr, &code);
    check(code, "clCreateProgramWithSource");
    check(clBuildProgram(program, 1, &device, options.c_str(), nullptr, nullptr), "clBuildProgram");
    kernel = clCreateKernel(program, name.c_str(), &code);
    check(code, "clCreateKernel");
  }

  void setArgument(cl_uint number, const std::string& argument, bool isLast) {
    if (isLast && fault == "unset-argument") return;
    const size_t colon = argument.find(':');
    const std::string kind = argument.substr(0, colon);
    const bool isShort = isLast && fault == "argument-size";
    if (kind == "null") {
      check(clSetKernelArg(kernel, number, sizeof(cl_mem), nullptr), "clSetKernelArg");
      return;
    }
    if (kind == "words") {
      std::vector<uint32_t> numbers;
      std::stringstream list(argument.substr(colon + 1));
      for (std::string text; std::getline(list, text, ',');)
        numbers.push_back(static_cast<uint32_t>(std::stoul(text)));
      setBuffer(number, numbers.data(), 4 * numbers.size(), false, isShort);
      return;
    }
    const size_t value = std::stoul(argument.substr(colon + 1));
    if (kind == "int") {
      const cl_int number32 = static_cast<cl_int>(value);
      check(clSetKernelArg(kernel, number, isShort ? 2 : 4, &number32), "clSetKernelArg");
      return;
    }
    std::vector<uint16_t> ones(value / 2, 0x3F80);
    setBuffer(number, kind == "out" ? nullptr : ones.data(), value, kind != "in", isShort);
  }

  void launch(size_t global, size_t local) {
    if (fault == "released-argument") {
      clReleaseMemObject(buffers.back().memory);
      buffers.pop_back();
    }
    if (fault == "group-size") --global;
    cl_event event;
    check(
        clEnqueueNDRangeKernel(queues[0], kernel, 1, nullptr, &global, &local, 0, nullptr, &event),
        "clEnqueueNDRangeKernel");
    if (fault != "no-flush") check(clFlush(queues[0]), "clFlush");
    const bool waits = fault != "no-order";
    for (const Buffer& buffer : buffers) {
      if (!buffer.isResult) continue;
      const size_t bytes = buffer.bytes + (fault == "read-outside" ? 4 : 0);
      std::vector<float> result((bytes + 3) / 4);
      check(clEnqueueReadBuffer(queues[1], buffer.memory, CL_TRUE, 0, bytes, result.data(),
                                waits ? 1 : 0, waits ? &event : nullptr, nullptr),
            "clEnqueueReadBuffer");
      results.push_back(result);
    }
    check(clFinish(queues[0]), "clFinish");
    clReleaseEvent(event);
  }

  void print() const {
    constexpr size_t mostPrinted = 4;
    std::vector<float> distinct;
    for (float number : results.at(0))
      if (std::find(distinct.begin(), distinct.end(), number) == distinct.end())
        distinct.push_back(number);
    for (size_t i = 0; i < std::min(distinct.size(), mostPrinted); ++i)
      std::printf(i == 0 ? "%.6g" : " %.6g", distinct[i]);
    std::printf("\n");
  }

  void end() {
    if (fault != "leak")
      for (const Buffer& buffer : buffers) clReleaseMemObject(buffer.memory);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
    for (cl_command_queue queue : queues) clReleaseCommandQueue(queue);
    clReleaseContext(context);
  }

 private:
  // An argument that is a new buffer with those contents, if there are any.
  void setBuffer(cl_uint number, void* contents, size_t bytes, bool isResult, bool isShort) {
    cl_int code;
    cl_mem memory = clCreateBuffer(context, contents ? CL_MEM_COPY_HOST_PTR : CL_MEM_READ_WRITE,
                                   bytes, contents, &code);
    check(code, "clCreateBuffer");
    check(clSetKernelArg(kernel, number, isShort ? 4 : sizeof memory, &memory), "clSetKernelArg");
    buffers.push_back({memory, bytes, isResult});
  }

  cl_device_id device;
  cl_context context;
  cl_command_queue queues[2];
  cl_program program;
  cl_kernel kernel;
  std::vector<Buffer> buffers;
  std::vector<std::vector<float>> results;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 7 || !faults.count(arguments[1])) {
    std::fprintf(stderr, "usage: host FAULT SOURCE OPTIONS KERNEL GLOBAL LOCAL ARGUMENT...\n");
    return 64;
  }
  fault = arguments[1];
  Program program;
  program.build(arguments[2], arguments[3], arguments[4]);
  for (int i = 7; i < count; ++i) program.setArgument(i - 7, arguments[i], i == count - 1);
  program.launch(std::stoul(arguments[5]), std::stoul(arguments[6]));
  program.print();
  program.end();
}
