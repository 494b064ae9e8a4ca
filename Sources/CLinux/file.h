// What stat(2) and clock_gettime(2) tell, in structs of our own: swift-nio's C modules include the same headers, and whose a
// struct's members are depends on which of them comes first.
#pragma once
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

/// What tells one content of a file from another.
struct clinux_file_mark {
    uint64_t device, inode;
    int64_t size, seconds, nanoseconds;
};

/// Fills in the mark of the file at `path`. Returns 0, or -1 with errno.
static inline int clinux_file_mark(const char *path, struct clinux_file_mark *mark) {
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    mark->device = status.st_dev;
    mark->inode = status.st_ino;
    mark->size = status.st_size;
    mark->seconds = status.st_mtim.tv_sec;
    mark->nanoseconds = status.st_mtim.tv_nsec;
    return 0;
}

/// Seconds since boot, those asleep included.
static inline int64_t clinux_uptime(void) {
    struct timespec time = {0, 0};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}
