// Starting a program apart from everything the caller has: what Glibc's module hides (posix_spawn(3), pidfd_open(2)).
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// What clinux_spawn started.
struct clinux_program {
    /// The process, which leads a session and a process group of its own.
    pid_t process;
    /// Readable once the process has ended (pidfd_open(2)). The caller's to close.
    int ending;
    /// Where what it prints can be read, not blocking. The caller's to close.
    int output;
};

/// Starts the program at `arguments[0]` with this environment, in `/`, with /dev/null to read from, its output and its errors in
/// one pipe, no other descriptor, and all signals as they are by default. Returns 0, or why it did not start (errno). It blocks until the
/// program has been loaded. Needs no capability.
static inline int clinux_spawn(
    char *const arguments[], char *const environment[], struct clinux_program *program) {
    extern int pipe2(int *, int);
    extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
    extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);

    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, 0x80 /* POSIX_SPAWN_SETSID */ | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    // Output first: where the caller has no standard input, the pipe itself may be descriptor 0.
    int error = posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!error) error = posix_spawn_file_actions_addchdir_np(&actions, "/");
    if (!error) error = posix_spawn(&program->process, arguments[0], &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);

    if (!error) {
        program->output = ends[0];
        program->ending = (int)syscall(434 /* SYS_pidfd_open */, program->process, 0);
        if (program->ending >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) return 0;
        error = errno;
        if (program->ending >= 0) close(program->ending);
        kill(-program->process, SIGKILL);
        waitpid(program->process, NULL, 0);
    }
    close(ends[0]);
    return error;
}
