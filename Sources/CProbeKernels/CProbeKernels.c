#include "CProbeKernels.h"

// #embed is C23; the compiler that Swift ships has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char ceilings[] = {
#embed "../../kernels/probe/ceilings.cl" suffix(, 0)
};
static const char hopper[] = {
#embed "../../kernels/probe/hopper_nvidia.cl" suffix(, 0)
};
static const char tensor_cores[] = {
#embed "../../kernels/probe/tensor_cores_nvidia.cl" suffix(, 0)
};

const char *probe_kernels_ceilings(void) { return ceilings; }
const char *probe_kernels_hopper(void) { return hopper; }
const char *probe_kernels_tensor_cores(void) { return tensor_cores; }
