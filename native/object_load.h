// Loads an object off the event loop.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "object.h"
#include "util/unique_fd.h"

namespace coaxial {

class ObjectLoad : public Napi::AsyncWorker {
public:
  ObjectLoad(Napi::Env env, std::shared_ptr<ObjectState> state, size_t log_size, uint32_t log_level);
  Napi::Promise promise() const { return deferred_.Promise(); }

protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error &error) override { deferred_.Reject(error.Value()); }

private:
  struct Named {
    std::string name;
    UniqueFd fd;
  };
  void PrepareLogs();
  void Collect();
  Napi::Array Logs(Napi::Env env) const;

  std::shared_ptr<ObjectState> state_;
  size_t log_size_;
  uint32_t log_level_;
  Napi::Promise::Deferred deferred_;
  int error_ = 0;
  std::vector<std::string> messages_;
  std::vector<Named> maps_, programs_;
};

} // namespace coaxial
