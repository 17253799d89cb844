#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One parser with its buffers: reused for every document, by one thread at a time.
typedef struct passflow_json passflow_json;

enum {
  PASSFLOW_JSON_OK = 0,
  PASSFLOW_JSON_SYNTAX = 1,
  PASSFLOW_JSON_EMPTY = 2,
  PASSFLOW_JSON_UTF8 = 3,
  PASSFLOW_JSON_TOO_DEEP = 4,
  PASSFLOW_JSON_TOO_LARGE = 5,
  PASSFLOW_JSON_NUMBER = 6,
  PASSFLOW_JSON_STRING = 7,
  PASSFLOW_JSON_SURROGATE = 8,
  PASSFLOW_JSON_MEMORY = 9
};

/// Null when memory is short. `depth_max`: arrays and objects within each other, the outermost included.
passflow_json *passflow_json_create(size_t length_max, size_t depth_max);
void passflow_json_destroy(passflow_json *parser);

/// Parses `length` bytes; of `readable` bytes from `bytes` on the memory may be read (copied when too few).
/// Escapes of lone surrogates are refused, so every string of the tape is valid UTF-8.
int passflow_json_parse(passflow_json *parser, const uint8_t *bytes, size_t length, size_t readable);

/// The last document's tape and strings (simdjson doc/tape.md): valid until the next parse. At least 8 bytes may
/// be read from where any string begins.
const uint64_t *passflow_json_tape(const passflow_json *parser);
const uint8_t *passflow_json_strings(const passflow_json *parser);

#ifdef __cplusplus
}
#endif
