/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app new: a folder with an app, its test, and how to build it. */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/apphost/apphost.h"
#include "controller/kit/kit-templates.h"
#include "controller/kit/kit.h"
#include "controller/schema/error.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Letters of an app's name (struct vmn_app_class). */
#define NAME_MAX_LEN 31

static bool
is_name(const char *name)
{
    size_t len = strlen(name);

    return (len && len <= NAME_MAX_LEN && name[0] >= 'a' && name[0] <= 'z'
            && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
}

/* Returns 'text' with 'name' in each "@".  The caller frees it. */
static char *
fill_in(const char *text, const char *name)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (; *text; text++) {
        if (*text == '@') {
            ds_put_cstr(&s, name);
        } else {
            ds_put_char(&s, *text);
        }
    }
    return ds_steal_cstr(&s);
}

static int
write_file(const char *folder, const struct kit_template *template)
{
    char *name = fill_in(template->name, folder);
    char *path = xasprintf("%s/%s", folder, name);
    char *text = fill_in(template->text, folder);
    struct vmn_error error = VMN_ERROR_INIT;
    FILE *file = fopen(path, "wx");
    bool ok = file && fputs(text, file) >= 0;

    if (file && fclose(file)) {
        ok = false;
    }
    if (ok) {
        printf("%s\n", path);
    } else {
        vmn_error_errno(&error, errno, "%s: %s", path, ovs_strerror(errno));
    }
    free(name);
    free(path);
    free(text);
    return ok ? 0 : kit_fail(&error);
}

int
kit_new(const struct kit_arguments *args)
{
    const struct kit_template *templates = (args->lua ? kit_templates_lua
                                            : kit_templates_c);
    const char *name = args->words[0];
    struct vmn_error error = VMN_ERROR_INIT;

    if (!is_name(name)) {
        vmn_error_invalid(&error, "\"%s\" is no name of an app: 1 to %d of "
                          "a-z 0-9 -, first a letter", name, NAME_MAX_LEN);
        kit_fail(&error);
        return 2;
    }
    if (apphost_is_own(name)) {
        vmn_error_invalid(&error, "\"%s\" is an app of VMN's own", name);
        kit_fail(&error);
        return 2;
    }
    if (mkdir(name, 0777)) {
        vmn_error_errno(&error, errno, "%s: %s", name, ovs_strerror(errno));
        return kit_fail(&error);
    }
    for (; templates->name; templates++) {
        if (write_file(name, templates)) {
            return 1;
        }
    }
    return 0;
}
