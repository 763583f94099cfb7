// Functions around interfaces that are not links: clsact filters and queries of what is attached.
#pragma once

#include <napi.h>

namespace coaxial {

void TrafficControlInit(Napi::Env env, Napi::Object exports);

} // namespace coaxial
