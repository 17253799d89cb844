// What the processor has, for the files of this target.
#ifndef PASSFLOW_RULE_LEVEL_H
#define PASSFLOW_RULE_LEVEL_H

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define AVX2 __attribute__((target("avx2")))

// 2: AVX-512, 1: AVX2, 0: neither, and no more than the limit that was set.
int rule_kernels_level(void);

#define CHOOSE(name, ...)                       \
  switch (rule_kernels_level()) {               \
  case 2: return name##_512(__VA_ARGS__);       \
  case 1: return name##_256(__VA_ARGS__);       \
  default: return name##_plain(__VA_ARGS__);    \
  }
#else
#define CHOOSE(name, ...) return name##_plain(__VA_ARGS__);
#endif

#endif
