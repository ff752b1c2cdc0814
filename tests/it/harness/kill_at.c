/* Preloaded into the real program: ends it by SIGKILL at its Nth change of a file, in the middle of a write.
 *
 * KILL_AT=N     which change; 0: none, they are only counted.
 * KILL_BELOW=P  only files below this folder count.
 * KILL_COUNT=F  a byte is appended to this file for each change that counts.
 *
 * What changes files goes through the C library, SQLite's calls included, so all of it is seen. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long at, seen;
static const char *below;
static int counter = -1;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("KILL_AT"), *count = getenv("KILL_COUNT");
    below = getenv("KILL_BELOW");
    at = text ? atol(text) : 0;
    if (count)
        counter = (int)syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Whether this is the one. */
static int is_it(const char *path) {
    if (!below || strncmp(path, below, strlen(below)) != 0)
        return 0;
    if (counter >= 0)
        syscall(SYS_write, counter, ".", 1);
    return __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) == at;
}

static void end(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

static void count_path(const char *path) {
    if (path && is_it(path))
        end();
}

static int is_it_fd(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return 0;
    path[n] = 0;
    return is_it(path);
}

static void count_fd(int fd) {
    if (is_it_fd(fd))
        end();
}

ssize_t write(int fd, const void *bytes, size_t n) {
    if (is_it_fd(fd)) {
        syscall(SYS_write, fd, bytes, n / 2);
        end();
    }
    return syscall(SYS_write, fd, bytes, n);
}

static ssize_t put(int fd, const void *bytes, size_t n, off_t to) {
    if (is_it_fd(fd)) {
        syscall(SYS_pwrite64, fd, bytes, n / 2, to);
        end();
    }
    return syscall(SYS_pwrite64, fd, bytes, n, to);
}
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t to) { return put(fd, bytes, n, to); }
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t to) { return put(fd, bytes, n, to); }

int fsync(int fd) { count_fd(fd); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { count_fd(fd); return (int)syscall(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) { count_fd(fd); return (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { count_fd(fd); return (int)syscall(SYS_ftruncate, fd, size); }

int rename(const char *from, const char *to) {
    count_path(to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char *path) {
    count_path(path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
int unlinkat(int dir, const char *path, int flags) {
    if (dir == AT_FDCWD)
        count_path(path);
    else
        count_fd(dir);
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}
int rmdir(const char *path) {
    count_path(path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
int mkdir(const char *path, mode_t mode) {
    count_path(path);
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}
