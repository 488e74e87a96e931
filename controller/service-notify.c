/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the service manager how vmnd is, as sd_notify(3) does. */

#include <config.h>

#include "controller/service-notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(service_notify);

void
service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = path ? strlen(path) : 0;

    if (!len) {
        return;
    }
    if ((*path != '/' && *path != '@') || len >= sizeof to.sun_path) {
        VLOG_WARN("NOTIFY_SOCKET is not the path of a socket");
        return;
    }
    memcpy(to.sun_path, path, len);
    if (*path == '@') {
        to.sun_path[0] = '\0';  /* Linux' abstract namespace. */
    }

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0
        || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                  (struct sockaddr *) &to,
                  offsetof(struct sockaddr_un, sun_path) + len) < 0) {
        VLOG_WARN("cannot notify the service manager of \"%s\" (%s)", state,
                  ovs_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
}
