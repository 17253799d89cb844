#pragma once

// glibc's allocator settings live in malloc.h, which Swift's Glibc module leaves out.
void passflow_allocator_tune(int arenas_max, int top_pad, int mmap_threshold, int trim_threshold);

/// Gives free pages between used memory back to the system.
void passflow_allocator_trim(void);
