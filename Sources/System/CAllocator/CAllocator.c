#include "CAllocator.h"

#include <malloc.h>

void passflow_allocator_tune(int arenas_max, int top_pad, int mmap_threshold, int trim_threshold) {
  mallopt(M_ARENA_MAX, arenas_max);
  mallopt(M_TOP_PAD, top_pad);
  mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

void passflow_allocator_trim(void) { malloc_trim(0); }
