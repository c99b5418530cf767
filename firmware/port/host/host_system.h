/* What differs between POSIX and Windows for the port; nothing else there asks which it is.
 * Include it before all else.
 */
#ifndef EB_HOST_SYSTEM_H
#define EB_HOST_SYSTEM_H

#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_CLOSED (-1) /* what host_read returns at the end of the input */

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define HOST_PATH_CHARACTERS 32768

static inline uint64_t host_nanoseconds(void)
{
    LARGE_INTEGER rate, now;
    (void)QueryPerformanceFrequency(&rate);
    (void)QueryPerformanceCounter(&now);
    uint64_t second = (uint64_t)rate.QuadPart;
    uint64_t ticks = (uint64_t)now.QuadPart;
    return ticks / second * 1000000000u + ticks % second * 1000000000u / second;
}

/* Standard input has to be a pipe. There is no waiting for one: it is looked at now and then. */
static inline int host_read(void *bytes, size_t size, int milliseconds)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    ULONGLONG end = GetTickCount64() + (ULONGLONG)milliseconds;
    DWORD there = 0;
    while (PeekNamedPipe(input, NULL, 0, NULL, &there, NULL)) {
        if (there > 0) {
            DWORD wanted = there < size ? there : (DWORD)size;
            DWORD received = 0;
            bool done = ReadFile(input, bytes, wanted, &received, NULL) && received > 0;
            return done ? (int)received : HOST_CLOSED;
        }
        if (GetTickCount64() >= end) {
            return 0;
        }
        Sleep(1);
    }
    return HOST_CLOSED;
}

static inline bool host_write(const char *bytes, size_t count)
{
    HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
    while (count > 0) {
        DWORD written = 0;
        if (!WriteFile(output, bytes, (DWORD)count, &written, NULL) || written == 0) {
            return false;
        }
        bytes += written;
        count -= written;
    }
    return true;
}

static inline const void *host_executable(size_t *size)
{
    static wchar_t path[HOST_PATH_CHARACTERS];
    LARGE_INTEGER length = {0};
    if (GetModuleFileNameW(NULL, path, HOST_PATH_CHARACTERS) == 0) {
        return NULL;
    }
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &length)) {
        return NULL;
    }
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    *size = (size_t)length.QuadPart;
    return mapping == NULL ? NULL : MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
}

#else

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#define HOST_WRITE_MILLISECONDS 1000

static inline uint64_t host_nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Bytes that came within the time, 0 where none did, HOST_CLOSED at the end. */
static inline int host_read(void *bytes, size_t size, int milliseconds)
{
    struct pollfd waiting = {STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, milliseconds) <= 0) {
        return 0;
    }
    ssize_t received = read(STDIN_FILENO, bytes, size);
    if (received == 0 || (received < 0 && errno != EINTR && errno != EAGAIN)) {
        return HOST_CLOSED;
    }
    return received < 0 ? 0 : (int)received;
}

/* Writes all, or returns false where nobody listens any more. */
static inline bool host_write(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd room = {STDOUT_FILENO, POLLOUT, 0};
            (void)poll(&room, 1, HOST_WRITE_MILLISECONDS);
        } else if (written < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

static inline int host_open_executable(void)
{
#ifdef __APPLE__
    char path[4096];
    uint32_t size = sizeof path;
    return _NSGetExecutablePath(path, &size) == 0 ? open(path, O_RDONLY) : -1;
#else
    return open("/proc/self/exe", O_RDONLY);
#endif
}

/* The bytes of the running executable file, or NULL where it cannot be read. */
static inline const void *host_executable(size_t *size)
{
    struct stat status;
    int file = host_open_executable();
    if (file < 0) {
        return NULL;
    }
    void *mapped = MAP_FAILED;
    if (fstat(file, &status) == 0) {
        *size = (size_t)status.st_size;
        mapped = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    (void)close(file);
    return mapped == MAP_FAILED ? NULL : mapped;
}

#endif
#endif
