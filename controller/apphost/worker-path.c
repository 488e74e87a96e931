/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the program is that apps of others run in; see apphost.h. */

#include <config.h>

#include "controller/apphost/apphost.h"

#include <limits.h>
#include <unistd.h>

#include "util.h"

#define PROGRAM "vmn-app-worker"

/* Relative to this program: where both were built, and where they are
 * installed below another folder than was meant. */
static const char *const beside[] = {
    PROGRAM, "../libexec/vmn/" PROGRAM,
};

char *
apphost_find_worker(void)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    self[MAX(len, 0)] = '\0';
    for (size_t i = 0; len > 0 && i < ARRAY_SIZE(beside); i++) {
        char *folder = dir_name(self);
        char *path = xasprintf("%s/%s", folder, beside[i]);

        free(folder);
        if (!access(path, X_OK)) {
            return path;
        }
        free(path);
    }
    return xstrdup(VMN_LIBEXECDIR "/" PROGRAM);
}
