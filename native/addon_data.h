// What one environment (main thread or worker) of the addon owns.
#pragma once

#include <napi.h>

namespace coaxial {

struct AddonData {
  Napi::FunctionReference map;
  Napi::FunctionReference program;
  Napi::FunctionReference link;

  static AddonData &Of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }
};

} // namespace coaxial
