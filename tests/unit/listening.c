/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the sockets of the process; see listening.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/listening.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Returns the port, or 0 if 'fd' is no TCP socket that listens. */
static uint16_t
port_of(int fd)
{
    union {
        struct sockaddr_storage ss;
        struct sockaddr_in sin;
        struct sockaddr_in6 sin6;
    } a;
    socklen_t size = sizeof a;
    int listens = 0;
    socklen_t listens_size = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size)
        || !listens || getsockname(fd, (struct sockaddr *) &a, &size)) {
        return 0;
    }
    return (a.ss.ss_family == AF_INET ? ntohs(a.sin.sin_port)
            : a.ss.ss_family == AF_INET6 ? ntohs(a.sin6.sin6_port) : 0);
}

uint16_t
listening_port(void)
{
    return listening_port_but(0);
}

uint16_t
listening_port_but(uint16_t other)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    uint16_t found = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        uint16_t port = port_of(atoi(entry->d_name));

        if (port && port != other) {
            assert_int_equal(found, 0);
            found = port;
        }
    }
    closedir(dir);
    assert_int_not_equal(found, 0);
    return found;
}
