/* Preloaded into the real program: a disk that fails and a clock that is wrong, as the plan says at this moment.
 *
 * SHIM_PLAN=F  the plan: `struct plan` below, mapped, so that whoever wrote it may change it while the program runs.
 *
 * What opens, writes, syncs and renames files goes through the C library, SQLite's calls included, and so does each look
 * at the clock. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, RENAME = 8, CUT = 16 };
#define LIES (-1)

struct plan {
    /* How far the clock is ahead, in seconds. */
    int64_t ahead;
    /* Which calls fail, bits of the above; 0: none. */
    int64_t calls;
    /* The error's number; LIES: they do nothing and say that they did. */
    int64_t error;
    /* From which of the calls that match, counted from 1, and how many. */
    int64_t from, count;
    /* How many matched, and how many failed. */
    int64_t seen, failed;
    /* The end of the file's path; with a slash at its end, a part of it. */
    char name[128];
};

static struct plan none, *plan = &none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHIM_PLAN");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at != MAP_FAILED)
        plan = at;
}

/* Whether this call fails. */
static int fails(int call, const char *path) {
    if (!(plan->calls & call) || !path)
        return 0;
    size_t have = strlen(path), want = strlen(plan->name);
    int part = want && plan->name[want - 1] == '/';
    if (part ? !strstr(path, plan->name) : have < want || strcmp(path + have - want, plan->name) != 0)
        return 0;
    int64_t n = __atomic_add_fetch(&plan->seen, 1, __ATOMIC_SEQ_CST);
    if (n < plan->from || n - plan->from >= plan->count)
        return 0;
    __atomic_add_fetch(&plan->failed, 1, __ATOMIC_SEQ_CST);
    return 1;
}

static int fails_fd(int call, int fd) {
    char link[64], path[PATH_MAX];
    if (!(plan->calls & call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return 0;
    path[n] = 0;
    return fails(call, path);
}

/* The answer of a call that fails, where `done` is what it would say had it worked. */
static long no(long done) {
    if (plan->error == LIES)
        return done;
    errno = (int)plan->error;
    return -1;
}

static int open_at(int dir, const char *path, int flags, mode_t mode) {
    if (fails(OPEN, path))
        return (int)no(-1);
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}
#define MODE_OF(flags)                                                                                                 \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }
int open(const char *path, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE_OF(flags) return open_at(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE_OF(flags) return open_at(dir, path, flags, mode); }

ssize_t write(int fd, const void *bytes, size_t n) {
    return fails_fd(WRITE, fd) ? no((long)n) : syscall(SYS_write, fd, bytes, n);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    long n = 0;
    for (int i = 0; i < count; i++)
        n += (long)parts[i].iov_len;
    return fails_fd(WRITE, fd) ? no(n) : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t to) {
    return fails_fd(WRITE, fd) ? no((long)n) : syscall(SYS_pwrite64, fd, bytes, n, to);
}
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t to) {
    return fails_fd(WRITE, fd) ? no((long)n) : syscall(SYS_pwrite64, fd, bytes, n, to);
}
int fsync(int fd) { return (int)(fails_fd(SYNC, fd) ? no(0) : syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return (int)(fails_fd(SYNC, fd) ? no(0) : syscall(SYS_fdatasync, fd)); }
int ftruncate(int fd, off_t size) { return (int)(fails_fd(CUT, fd) ? no(0) : syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off64_t size) { return (int)(fails_fd(CUT, fd) ? no(0) : syscall(SYS_ftruncate, fd, size)); }
int rename(const char *from, const char *to) {
    return (int)(fails(RENAME, to) ? no(0) : syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int clock_gettime(clockid_t which, struct timespec *now) {
    long done = syscall(SYS_clock_gettime, which, now);
    if (done == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += plan->ahead;
    return (int)done;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec at;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec;
    now->tv_usec = at.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *to) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (to)
        *to = at.tv_sec;
    return at.tv_sec;
}
