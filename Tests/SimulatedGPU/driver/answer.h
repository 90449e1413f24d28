// How a query gives its value, and a call its object.
#pragma once

#include <cstring>
#include <string>

#include "driver/opencl.h"

namespace simulated {

cl_device_id theDevice();

// The last three arguments of a clGet…Info function.
struct Answer {
  size_t size;
  void* value;
  size_t* written;

  template <class T>
  cl_int operator()(const T& result) const {
    return bytes(&result, sizeof result);
  }
  cl_int text(const std::string& result) const { return bytes(result.c_str(), result.size() + 1); }

  cl_int bytes(const void* result, size_t count) const {
    if (written) *written = count;
    if (!value) return CL_SUCCESS;
    if (size < count) return CL_INVALID_VALUE;
    std::memcpy(value, result, count);
    return CL_SUCCESS;
  }
};

template <class T>
T given(cl_int* status, cl_int code, T object) {
  if (status) *status = code;
  return object;
}

}  // namespace simulated
