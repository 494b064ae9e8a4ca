// Memory: what Glibc hides without _GNU_SOURCE, and what only the processor knows.
#pragma once
#include <stddef.h>

/// Whether `length` bytes at `text` hold the bytes of `part` (memmem(3)).
static inline int clinux_contains(const void *text, size_t length, const void *part, size_t part_length) {
    extern void *memmem(const void *, size_t, const void *, size_t);
    return memmem(text, length, part, part_length) != NULL;
}

/// mallopt(3) with M_ARENA_MAX: at most so many arenas from now on.
static inline void clinux_limit_arenas(int count) {
    extern int mallopt(int, int);
    (void)mallopt(-8 /* M_ARENA_MAX */, count);
}

/// Has the processor fetch the cache line at `address`, which is to be read and written soon. A hint: any address will do.
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Which of the sixteen words from `line` on, a multiple of 64, are `word` in the bits of `mask`: bit n of the answer is for word n.
/// Here for the compiler's vector extensions, which make a handful of instructions of it on any processor and leave nothing to predict.
static inline unsigned int clinux_matching_words(const unsigned int *line, unsigned int word, unsigned int mask) {
    typedef unsigned int clinux_words __attribute__((ext_vector_type(16)));
    typedef _Bool clinux_lanes __attribute__((ext_vector_type(16)));
    clinux_words words = *(const clinux_words *)line;
    clinux_lanes lanes = __builtin_convertvector(((words ^ word) & mask) == 0, clinux_lanes);
    unsigned short matching;
    __builtin_memcpy(&matching, &lanes, sizeof matching);
    return matching;
}

/// madvise(2) with MADV_HUGEPAGE: `length` bytes from `address` on, a multiple of the page size, had better lie in huge
/// pages. A hint: where the kernel has none, it is as before.
static inline void clinux_prefer_huge_pages(void *address, size_t length) {
    extern int madvise(void *, size_t, int);
    (void)madvise(address, length, 14 /* MADV_HUGEPAGE */);
}
