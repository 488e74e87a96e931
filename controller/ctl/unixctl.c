/* SPDX-License-Identifier: Apache-2.0
 *
 * A unixctl client; see unixctl.h. */

#include <config.h>

#include "controller/ctl/unixctl.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/schema/error.h"
#include "dirs.h"
#include "socket-util.h"
#include "util.h"

/* Timeout of a reply. */
#define TIMEOUT_S 10

char *
ctl_unixctl_find(struct vmn_error *why)
{
    char *pidfile = xasprintf("%s/vmnd.pid", ovs_rundir());
    FILE *file = fopen(pidfile, "re");
    long int pid = 0;
    char *path = NULL;

    if (!file) {
        vmn_error_errno(why, errno, "%s: %s", pidfile, ovs_strerror(errno));
    } else {
        if (fscanf(file, "%9ld", &pid) != 1 || pid < 1) {
            vmn_error_invalid(why, "%s: there is no process in it", pidfile);
        } else {
            path = xasprintf("%s/vmnd.%ld.ctl", ovs_rundir(), pid);
        }
        fclose(file);
    }
    free(pidfile);
    return path;
}

/* Returns a socket connected to 'path', or -1 with errno set. */
static int
open_socket(const char *path)
{
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof sun.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Returns the result of a reply, which it frees; NULL with an error if it is
 * one, or missing. */
static char *
parse_reply(json_t *reply, struct vmn_error *why)
{
    const char *result = json_string_value(json_object_get(reply, "result"));
    const char *refused = json_string_value(json_object_get(reply, "error"));
    char *text = result && !refused ? xstrdup(result) : NULL;

    if (!text) {
        vmn_error_errno(why, EPROTO, "%s",
                        refused ? refused : "there is no answer");
    }
    json_decref(reply);
    return text;
}

char *
ctl_unixctl_run(const char *path, const char *command, struct vmn_error *why)
{
    char *words = xstrdup(command), *save = NULL;
    const char *method = strtok_r(words, " ", &save);
    json_t *params = json_array();
    json_t *request;
    char *line;
    int fd = open_socket(path);
    json_t *reply = NULL;
    json_error_t error;
    size_t written;
    char *text;

    for (char *word; (word = strtok_r(NULL, " ", &save)) != NULL; ) {
        json_array_append_new(params, json_string(word));
    }
    request = json_pack("{s:s?, s:o, s:i}", "method", method, "params",
                        params, "id", 0);
    line = json_dumps(request, JSON_COMPACT);
    free(words);
    json_decref(request);
    if (fd < 0 || write_fully(fd, line, strlen(line), &written)) {
        vmn_error_errno(why, errno, "%s: %s", path, ovs_strerror(errno));
        text = NULL;
    } else {
        reply = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, &error);
        text = parse_reply(reply, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(line);
    return text;
}
