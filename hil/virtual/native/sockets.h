/* What differs between the sockets of POSIX and of Windows; nothing else here asks which it is. */
#ifndef EB_VIRTUAL_SOCKETS_H
#define EB_VIRTUAL_SOCKETS_H

#include <stdbool.h>

#ifdef _WIN32

#include <winsock2.h>
#include <ws2tcpip.h>

#define EB_NO_SIGNAL 0

static inline int eb_poll(struct pollfd *fds, int count, int milliseconds)
{
    return WSAPoll(fds, (ULONG)count, milliseconds);
}

/* The last call found nothing to do at the moment; it is no failure. */
static inline bool eb_must_wait(void)
{
    return WSAGetLastError() == WSAEWOULDBLOCK || WSAGetLastError() == WSAEINTR;
}

static inline void eb_close_socket(int fd)
{
    (void)closesocket((SOCKET)fd);
}

static inline int eb_never_block(int fd)
{
    u_long on = 1;
    return ioctlsocket((SOCKET)fd, (long)FIONBIO, &on);
}

/* Windows waits for sockets alone, not for pipes: one that sends to itself wakes a wait. */
static inline int eb_open_wake(int wake[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int size = (int)sizeof address;
    SOCKET fd = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == INVALID_SOCKET) {
        return -1;
    }
    if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        connect(fd, (struct sockaddr *)&address, size) != 0) {
        (void)closesocket(fd);
        return -1;
    }
    wake[0] = (int)fd;
    wake[1] = -1;
    return 0;
}

static inline void eb_wake(const int wake[2])
{
    (void)send((SOCKET)wake[0], "x", 1, 0);
}

static inline void eb_close_wake(const int wake[2])
{
    (void)closesocket((SOCKET)wake[0]);
}

#else

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef MSG_NOSIGNAL
#define EB_NO_SIGNAL MSG_NOSIGNAL
#else
#define EB_NO_SIGNAL 0 /* macOS has an option of the socket instead */
#endif

static inline int eb_poll(struct pollfd *fds, int count, int milliseconds)
{
    return poll(fds, (nfds_t)count, milliseconds);
}

/* The last call found nothing to do at the moment; it is no failure. */
static inline bool eb_must_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static inline void eb_close_socket(int fd)
{
    (void)close(fd);
}

static inline int eb_never_block(int fd)
{
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

static inline int eb_open_wake(int wake[2])
{
    return pipe(wake);
}

static inline void eb_wake(const int wake[2])
{
    ssize_t ignored = write(wake[1], "x", 1);
    (void)ignored;
}

static inline void eb_close_wake(const int wake[2])
{
    (void)close(wake[0]);
    (void)close(wake[1]);
}

#endif
#endif
