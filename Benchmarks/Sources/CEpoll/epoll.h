// epoll(7), which Glibc's module leaves out.
#pragma once
#include <sys/epoll.h>
