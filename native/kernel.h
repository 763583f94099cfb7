// What the running kernel can tell: probes, its BTF, its CPUs, a grace period.
#pragma once

#include <napi.h>

namespace coaxial {

void KernelInit(Napi::Env env, Napi::Object exports);

} // namespace coaxial
