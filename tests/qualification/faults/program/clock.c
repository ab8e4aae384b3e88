/* Preloaded: the wall clock goes on by a day half a second after the start, and another half later back by two. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static double begun;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*original)(clockid_t, struct timespec *);
    if (!original)
        original = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = original(clock, now);
    if (clock == CLOCK_REALTIME && !status) {
        struct timespec since;
        original(CLOCK_MONOTONIC, &since);
        double instant = (double)since.tv_sec + (double)since.tv_nsec / 1e9;
        if (!begun)
            begun = instant;
        if (instant - begun > 1.0)
            now->tv_sec -= 86400;
        else if (instant - begun > 0.5)
            now->tv_sec += 86400;
    }
    return status;
}
