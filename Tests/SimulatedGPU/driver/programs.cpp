// Programs. Their binaries are PTX, as NVIDIA's driver has it.
#include <stdexcept>

#include "driver/answer.h"
#include "driver/api.h"
#include "driver/compiler.h"
#include "driver/objects.h"
#include "machine/troubles.h"

using namespace simulated;

cl_program api::clCreateProgramWithSource(cl_context context, cl_uint count, const char** texts,
                                          const size_t* lengths, cl_int* status) {
  auto* program = new _cl_program;
  program->context = Reference(context);
  for (cl_uint i = 0; i < count; ++i)
    program->source +=
        lengths && lengths[i] ? std::string(texts[i], lengths[i]) : std::string(texts[i]);
  return given(status, CL_SUCCESS, program);
}

cl_program api::clCreateProgramWithBinary(cl_context context, cl_uint, const cl_device_id*,
                                          const size_t* lengths, const unsigned char** binaries,
                                          cl_int* binaryStatus, cl_int* status) {
  const std::string text(reinterpret_cast<const char*>(binaries[0]), lengths[0]);
  const bool isPTX = text.find(".version") != std::string::npos;
  if (binaryStatus) *binaryStatus = isPTX ? CL_SUCCESS : CL_INVALID_BINARY;
  if (!isPTX) return given<cl_program>(status, CL_INVALID_BINARY, nullptr);
  auto* program = new _cl_program;
  program->context = Reference(context);
  program->ptx = text.c_str();  // without the zero behind it
  program->isFromBinary = true;
  return given(status, CL_SUCCESS, program);
}

cl_int api::clBuildProgram(cl_program program, cl_uint, const cl_device_id*, const char* options,
                           void(CL_CALLBACK* isDone)(cl_program, void*), void* user) {
  program->options = options ? options : "";
  const Compiled compiled = program->isFromBinary
                                ? compileBinary(program->ptx, program->options)
                                : compileSource(program->source, program->options);
  program->ptx = compiled.ptx;
  program->log = compiled.log;
  program->registers = compiled.registers;
  program->key =
      programKey(program->isFromBinary ? program->ptx : program->source, program->options);
  if (!compiled.isBuilt) return CL_BUILD_PROGRAM_FAILURE;
  try {
    program->module = parseModule(program->ptx);
  } catch (std::exception& error) {
    program->log += std::string("error: ") + error.what();
    trouble("host: PTX is not understood", program->options, error.what());
    return CL_BUILD_PROGRAM_FAILURE;
  }
  program->isBuilt = true;
  if (isDone) isDone(program, user);
  return CL_SUCCESS;
}

cl_int api::clRetainProgram(cl_program program) {
  retain(program);
  return CL_SUCCESS;
}

cl_int api::clReleaseProgram(cl_program program) {
  release(program);
  return CL_SUCCESS;
}

cl_int api::clGetProgramInfo(cl_program program, cl_program_info name, size_t size, void* value,
                             size_t* written) {
  const Answer answer{size, value, written};
  const size_t binaryBytes = program->ptx.size() + 1;
  switch (name) {
    case CL_PROGRAM_CONTEXT: return answer(program->context.get());
    case CL_PROGRAM_NUM_DEVICES: return answer(cl_uint{1});
    case CL_PROGRAM_DEVICES: return answer(theDevice());
    case CL_PROGRAM_SOURCE: return answer.text(program->source);
    case CL_PROGRAM_BINARY_SIZES: return answer(binaryBytes);
    case CL_PROGRAM_BINARIES:
      // The value is an array of addresses, one a device.
      if (written) *written = sizeof(void*);
      if (value) std::memcpy(*static_cast<void**>(value), program->ptx.c_str(), binaryBytes);
      return CL_SUCCESS;
    default: return CL_INVALID_VALUE;
  }
}

cl_int api::clGetProgramBuildInfo(cl_program program, cl_device_id, cl_program_build_info name,
                                  size_t size, void* value, size_t* written) {
  const Answer answer{size, value, written};
  switch (name) {
    case CL_PROGRAM_BUILD_LOG: return answer.text(program->log);
    case CL_PROGRAM_BUILD_OPTIONS: return answer.text(program->options);
    case CL_PROGRAM_BUILD_STATUS:
      return answer(cl_build_status{program->isBuilt ? CL_BUILD_SUCCESS : CL_BUILD_ERROR});
    default: return CL_INVALID_VALUE;
  }
}
