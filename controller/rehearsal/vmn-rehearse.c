/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-rehearse: restores a backup into a simulation, and says what hosts would
 * do otherwise.  Nothing of vmnd's is changed, and no host is spoken to.  Not
 * for the restore itself, nor for which objects differ (vmnctl restore). */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/ctl/host-map.h"
#include "controller/ctl/output.h"
#include "controller/model/model.h"
#include "controller/options.h"
#include "controller/rehearsal/rehearsal-compare.h"
#include "controller/rehearsal/rehearsal-print.h"
#include "controller/rehearsal/rehearsal-world.h"
#include "controller/schema/arena.h"
#include "openvswitch/vlog.h"
#include "util.h"

static const char help[] =
    "vmn-rehearse: says what hosts would do otherwise after a restore\n"
    "usage: vmn-rehearse [OPTION]... BACKUP\n"
    "Restores BACKUP into a simulation, with a VM for each port that is\n"
    "bound, and compares with the state before: how many flows hosts have,\n"
    "what cannot be computed, and who reaches whom.  Changes nothing, and\n"
    "speaks to nobody.\n"
    "\n"
    "  --database FILE    compare with what this one has, and restore over a\n"
    "                     copy of it (without: with the time of the backup)\n"
    "  --map-hosts FILE   which machines take hosts' places, as of\n"
    "                     `vmnctl restore`\n"
    "  --config FILE      vmnd's, which says which apps there are\n"
    "  --app-dir DIR      where they are\n"
    "  --json             print JSON\n"
    "  -h, --help         print this\n"
    "  -V, --version      print the version\n"
    "\n"
    "Exits with 0 if nothing of that would differ, with 1 if something\n"
    "would, or with 2 if it was called wrongly or could not be done.\n";

struct rehearse {
    const char *backup;
    const char *database;       /* Or NULL. */
    const char *map_file;       /* Or NULL. */
    bool json;
    struct options options;     /* Of vmnd. */
    struct ctl_host_map map;
    char *dir;                  /* Has the copies. */
};

/* Copies.  ---------------------------------------------------------------- */

static int
make_dir(struct rehearse *r, struct vmn_error *why)
{
    const char *tmp = getenv("TMPDIR");

    r->dir = xasprintf("%s/vmn-rehearse-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(r->dir)) {
        int error = errno;

        vmn_error_errno(why, error, "cannot make %s: %s", r->dir,
                        ovs_strerror(error));
        free(r->dir);
        r->dir = NULL;
        return error;
    }
    return 0;
}

/* Also what the restore has put there of its own.  No longer there than it is
 * needed: it is all of the state. */
static void
remove_dir(struct rehearse *r)
{
    DIR *dir = r->dir ? opendir(r->dir) : NULL;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
        rmdir(r->dir);
    }
    free(r->dir);
    r->dir = NULL;
}

/* Makes a copy 'name' of the database, in the newest format.  Returns its
 * path, which the caller frees, or NULL. */
static char *
copy(const struct rehearse *r, const char *database, const char *name,
     struct vmn_error *why)
{
    char *path = xasprintf("%s/%s", r->dir, name);
    struct store_file_info info;

    if (store_file_backup(database, path, false, &info, why)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* Makes a copy of the database, and restores the backup over it, or restores
 * it where there is none. */
static char *
restore(const struct rehearse *r, struct vmn_error *why)
{
    const struct store_restore how = {
        .hosts = r->map.maps, .n_hosts = r->map.n,
    };
    struct store_restored restored;
    char *path;
    int error;

    path = (r->database ? copy(r, r->database, "after.db", why)
            : xasprintf("%s/after.db", r->dir));
    if (!path) {
        return NULL;
    }
    error = store_file_restore(r->backup, path, &how, &restored, why);
    store_restored_uninit(&restored);
    if (error) {
        free(path);
        path = NULL;
    }
    return path;
}

/* The rehearsal.  --------------------------------------------------------- */

static struct rehearsal_world *
world_of(const struct rehearse *r, char *path, const char *name,
         struct vmn_error *why)
{
    struct rehearsal_world *world
        = path ? rehearsal_world_create(path, name, &r->options, why) : NULL;

    free(path);
    return world;
}

/* Has the VMs run that ran when the backup was taken. */
static int
move_vms(const struct rehearse *r, struct rehearsal_world *after,
         struct vmn_error *why)
{
    struct model *taken = model_create();
    char *path = copy(r, r->backup, "taken.db", why);
    int error = path ? store_file_load(path, r->backup, taken, why) : EINVAL;

    error = error ? error : rehearsal_world_move(after, taken, r->map.maps,
                                                 r->map.n, why);
    model_destroy(taken);
    free(path);
    return error;
}

/* What the state before is that of. */
static const char *
former(const struct rehearse *r)
{
    return r->database ? r->database : r->backup;
}

static bool
show(const struct rehearse *r, const struct rehearsal_world *before,
     const struct rehearsal_world *after)
{
    struct arena arena;
    struct rehearsal *found;
    json_t *json;
    bool same;

    arena_init(&arena);
    found = rehearsal_compare(before, after, r->map.maps, r->map.n, &arena);
    same = rehearsal_is_same(found);
    json = rehearsal_to_json(found);
    json_object_set_new(json, "compared_with", json_string(former(r)));
    if (r->json) {
        ctl_show_json(stdout, json);
    } else {
        printf("%s, restored%s; compared with %s\n\n", r->backup,
               r->database ? " over a copy" : "",
               r->database ? r->database
               : "what it has, on the hosts of its time");
        rehearsal_print(stdout, json);
    }
    json_decref(json);
    arena_uninit(&arena);
    return same;
}

/* Returns the exit status; 2 with an error. */
static int
rehearse(struct rehearse *r, struct vmn_error *why)
{
    struct rehearsal_world *before = NULL, *after = NULL;
    int status = 2;

    if ((r->map_file && ctl_host_map_load(&r->map, r->map_file, stdin, why))
        || make_dir(r, why)) {
        return status;
    }
    before = world_of(r, copy(r, former(r), "before.db", why), former(r), why);
    after = before ? world_of(r, restore(r, why), r->backup, why) : NULL;
    if (after && move_vms(r, after, why)) {
        rehearsal_world_destroy(after);
        after = NULL;
    }
    remove_dir(r);
    if (after && !rehearsal_world_run(before, why)
        && !rehearsal_world_run(after, why)) {
        status = show(r, before, after) ? 0 : 1;
    }
    rehearsal_world_destroy(after);
    rehearsal_world_destroy(before);
    return status;
}

static int
wrong(const char *text, const char *word)
{
    fprintf(stderr, "vmn-rehearse: %s%s; vmn-rehearse --help has all there "
            "is\n", text, word);
    return 2;
}

/* Reads vmnd's file, and fills in its defaults. */
static int
read_options(struct rehearse *r, const char *config, const char *app_dir,
             struct vmn_error *why)
{
    int error = 0;

    if (app_dir) {
        r->options.app_dir = xstrdup(app_dir);
    }
    if (config) {
        error = options_read_file(&r->options, config, why);
    }
    return error ? error : options_finish(&r->options, why);
}

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "app-dir", required_argument, NULL, 'd' },
        { "config", required_argument, NULL, 'c' },
        { "database", required_argument, NULL, 'b' },
        { "help", no_argument, NULL, 'h' },
        { "json", no_argument, NULL, 'j' },
        { "map-hosts", required_argument, NULL, 'm' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    const char *config = NULL, *app_dir = NULL;
    struct vmn_error why = VMN_ERROR_INIT;
    struct rehearse r = { .backup = NULL };
    int c, status;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_ERR);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        switch (c) {
        case 'b': r.database = optarg; break;
        case 'c': config = optarg; break;
        case 'd': app_dir = optarg; break;
        case 'j': r.json = true; break;
        case 'm': r.map_file = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        case 'V': printf("vmn-rehearse %s\n", PACKAGE_VERSION); return 0;
        default: return 2;
        }
    }
    if (optind != argc - 1) {
        return wrong(optind >= argc ? "there is no backup"
                     : "there is too much: ",
                     optind >= argc ? "" : argv[optind + 1]);
    }
    r.backup = argv[optind];
    status = (read_options(&r, config, app_dir, &why) ? 2
              : rehearse(&r, &why));
    if (status == 2) {
        ctl_printf_safely(stderr, "vmn-rehearse: %s\n", why.text);
    }
    vmn_error_uninit(&why);
    ctl_host_map_uninit(&r.map);
    options_uninit(&r.options);
    return status;
}
