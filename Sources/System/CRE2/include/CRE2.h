// Regular expressions by RE2: linear in the text, within a given memory. A compiled pattern serves any thread.
#ifndef PASSFLOW_CRE2_H
#define PASSFLOW_CRE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct passflow_re2 passflow_re2;

// Null when the pattern is none or its program does not fit into memory_max bytes; `error` then holds the reason,
// ended by a zero byte. error_capacity is at least 1.
passflow_re2 *passflow_re2_new(const char *pattern, size_t length, int64_t memory_max, char *error,
                               size_t error_capacity);
void passflow_re2_free(passflow_re2 *pattern);

// Whether some part of the text matches.
bool passflow_re2_matches(const passflow_re2 *pattern, const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
