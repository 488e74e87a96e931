/* SPDX-License-Identifier: Apache-2.0
 *
 * Goes by the program's own path, BUILD/tests/FOLDER/PROGRAM; see
 * app-loader.h. */

#include <config.h>

#include "tests/unit/app-loader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/apphost/apphost.h"
#include "controller/schema/error.h"
#include "util.h"

/* Returns the build's folder, which the caller frees, or NULL with errno
 * set. */
static char *
build_folder(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

    if (size < 0) {
        return NULL;
    }
    path[size] = '\0';
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(path, '/');

        if (!slash) {
            errno = ENOENT;
            return NULL;
        }
        *slash = '\0';
    }
    return xstrdup(path);
}

int
load_built_app(struct apphost *apphost, const char *name,
               struct vmn_error *why)
{
    char *folder, *path;
    int error;

    if (strchr(name, '/')) {
        return apphost_load(apphost, ".", name, why);
    }
    folder = build_folder();
    if (!folder) {
        return vmn_error_errno(why, errno, "this program's path: %s",
                               ovs_strerror(errno));
    }
    path = xasprintf("%s/apps/%s/.libs/%s.so", folder, name, name);
    error = apphost_load(apphost, folder, path, why);
    free(path);
    free(folder);
    return error;
}
