// What Glibc hides without _GNU_SOURCE.
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
