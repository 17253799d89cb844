#include "CSimdJSON.h"

#include <cstring>
#include <new>
#include <simdjson.h>

struct passflow_json {
  simdjson::dom::parser parser;
  size_t length_max;
  explicit passflow_json(size_t max) : parser(max), length_max(max) {}
};

static int hex(const uint8_t *p) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    int c = p[i], lower = c | 0x20;
    value = value * 16 + (c <= '9' ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

// Only for text that parsed: every escape in it is whole. simdjson 3.0.1 lets some lone surrogates pass.
static bool has_lone_surrogate(const uint8_t *p, size_t length) {
  const uint8_t *end = p + length;
  while ((p = static_cast<const uint8_t *>(std::memchr(p, '\\', static_cast<size_t>(end - p))))) {
    if (end - p < 6 || p[1] != 'u') {
      if (end - p < 3) return false;
      p += 2;
      continue;
    }
    int unit = hex(p + 2);
    p += 6;
    if (unit < 0xD800 || unit > 0xDFFF) continue;
    if (unit > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return true;
    int low = hex(p + 2);
    if (low < 0xDC00 || low > 0xDFFF) return true;
    p += 6;
  }
  return false;
}

passflow_json *passflow_json_create(size_t length_max, size_t depth_max) {
  passflow_json *made = new (std::nothrow) passflow_json(length_max);
  if (made && made->parser.allocate(16384, depth_max + 1) != simdjson::SUCCESS) {
    delete made;
    return nullptr;
  }
  return made;
}

void passflow_json_destroy(passflow_json *parser) { delete parser; }

int passflow_json_parse(passflow_json *json, const uint8_t *bytes, size_t length, size_t readable) {
  if (length > json->length_max) return PASSFLOW_JSON_TOO_LARGE;
  if (length == 0 || bytes == nullptr) return PASSFLOW_JSON_EMPTY;
  bool copies = readable < length || readable - length < simdjson::SIMDJSON_PADDING;
  switch (json->parser.parse(bytes, length, copies).error()) {
    case simdjson::SUCCESS: break;
    case simdjson::EMPTY: return PASSFLOW_JSON_EMPTY;
    case simdjson::UTF8_ERROR: return PASSFLOW_JSON_UTF8;
    case simdjson::DEPTH_ERROR: return PASSFLOW_JSON_TOO_DEEP;
    case simdjson::CAPACITY: return PASSFLOW_JSON_TOO_LARGE;
    case simdjson::NUMBER_ERROR: return PASSFLOW_JSON_NUMBER;
    case simdjson::STRING_ERROR: return PASSFLOW_JSON_STRING;
    case simdjson::MEMALLOC: return PASSFLOW_JSON_MEMORY;
    default: return PASSFLOW_JSON_SYNTAX;
  }
  return has_lone_surrogate(bytes, length) ? PASSFLOW_JSON_SURROGATE : PASSFLOW_JSON_OK;
}

const uint64_t *passflow_json_tape(const passflow_json *json) { return json->parser.doc.tape.get(); }
const uint8_t *passflow_json_strings(const passflow_json *json) { return json->parser.doc.string_buf.get(); }
