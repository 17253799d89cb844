#include "CRE2.h"

#include <cstring>
#include <new>
#include <re2/re2.h>
#include <string>

struct passflow_re2 {
  re2::RE2 expression;
  passflow_re2(const re2::StringPiece &pattern, const re2::RE2::Options &options) : expression(pattern, options) {}
};

static void tell(const std::string &reason, char *error, size_t capacity) {
  size_t length = reason.size() < capacity - 1 ? reason.size() : capacity - 1;
  std::memcpy(error, reason.data(), length);
  error[length] = 0;
}

passflow_re2 *passflow_re2_new(const char *pattern, size_t length, int64_t memory_max, char *error,
                               size_t error_capacity) {
  try {
    re2::RE2::Options options(re2::RE2::Quiet);
    options.set_max_mem(memory_max);
    options.set_never_capture(true);
    passflow_re2 *result = new passflow_re2(re2::StringPiece(pattern, length), options);
    if (result->expression.ok()) return result;
    tell(result->expression.error(), error, error_capacity);
    delete result;
  } catch (const std::exception &) {
    tell("out of memory", error, error_capacity);
  }
  return nullptr;
}

void passflow_re2_free(passflow_re2 *pattern) { delete pattern; }

bool passflow_re2_matches(const passflow_re2 *pattern, const char *text, size_t length) {
  return re2::RE2::PartialMatch(re2::StringPiece(text, length), pattern->expression);
}
