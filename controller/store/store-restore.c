/* SPDX-License-Identifier: Apache-2.0
 *
 * Restores a backup: replaces a database by it.
 *
 * The backup is copied beside the database, verified there, changed where
 * hosts are other machines (store-map-hosts.c), compared with the former
 * database (store-restore-loss.c, store-revoked.c) and changed so that it can
 * continue that (store-continue.c). */

#include <config.h>

#include "controller/store/store-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/store/store-private.h"
#include "dirs.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* The database that is to be replaced. */
struct former {
    bool exists;
    char *copy;                 /* Path of a copy in the newest format, if it
                                 * is undamaged.  Owned. */
    uint64_t revision;          /* Its newest. */
    char *damage;               /* What is wrong with it, or NULL.  Owned, as
                                 * far as it is not taken. */
};

/* A restore in progress. */
struct restore {
    const char *file, *database;
    const char *copy;           /* Path of the copy of the backup. */
    const struct store_restore *how;
    struct former former;
    struct store_restored *r;
    json_t *revoked;            /* As in struct store_loss.  Owned. */
    struct store_place place;   /* Of the former database: one of a cluster's
                                 * member is replaced even by equal objects,
                                 * since what comes is of no cluster. */
    bool done;                  /* Nothing more is to be done. */
};

static bool
is_known(const struct former *former)
{
    return former->exists && !former->damage;
}

/* The former database.  --------------------------------------------------- */

/* Copies the former database, without changing it, and converts the copy to
 * the newest format.  A database that cannot be read is no error, but a disk
 * without room for the copy is one. */
static int
read_former(const char *database, struct former *former, struct vmn_error *why)
{
    struct vmn_error damage = VMN_ERROR_INIT;
    sqlite3 *db = NULL;
    int error = store_make_file(former->copy, why);

    if (error) {
        return error;
    }
    error = store_copy_file(database, former->copy, &damage);
    error = error ? error : store_connect(
        former->copy, SQLITE_OPEN_READWRITE, "PRAGMA trusted_schema = OFF",
        &db, &damage);
    error = error ? error : store_format_check(db, database, store_steps,
                                               store_format, &damage);
    error = error ? error : store_get_revision(db, &former->revision,
                                               &damage);
    sqlite3_close(db);
    if (error == ENOSPC) {
        vmn_error_uninit(why);
        *why = damage;
        return error;
    }
    former->damage = error ? vmn_error_steal_text(&damage) : NULL;
    vmn_error_uninit(&damage);
    return 0;
}

/* Checkpoints the former database: moves its write-ahead log into the file.
 * If that fails, the log is kept beside it. */
static void
checkpoint_former(const char *database)
{
    sqlite3 *db = NULL;

    store_connect(database, SQLITE_OPEN_READWRITE, "", &db, NULL);
    sqlite3_close(db);
}

static bool
file_has_content(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    bool there = !stat(name, &st) && st.st_size;

    free(name);
    return there;
}

/* Finds the former database, if there is one, and reads it. */
static int
find_former(struct restore *restore, struct vmn_error *why)
{
    struct former *former = &restore->former;
    const char *database = restore->database;
    struct stat a, b;
    int error;

    former->exists = (file_has_content(database, "")
                      || file_has_content(database, "-wal"));
    if (!former->exists) {
        return 0;
    }
    if (!stat(restore->file, &a) && !stat(database, &b)
        && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
        return vmn_error_invalid(why, "%s is the database itself",
                                 restore->file);
    }
    error = read_former(database, former, why);
    if (!error && !former->damage && !restore->how->dry_run) {
        checkpoint_former(database);
    }
    return error;
}

/* What the restore does.  ------------------------------------------------- */

static int
attach_former(sqlite3 *db, const char *database, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "ATTACH ? AS former", -1, &stmt, NULL)
        != SQLITE_OK
        || sqlite3_bind_text(stmt, 1, database, -1, SQLITE_STATIC)
           != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot read the former database");
    }
    sqlite3_finalize(stmt);
    return error;
}

/* Loads 'db', as vmnd does at its start, into '*model', which the caller
 * destroys. */
static int
load_model(sqlite3 *db, const char *name, struct model **model,
           struct vmn_error *why)
{
    model_destroy(*model);
    *model = model_create();
    return store_load(db, name, *model, why);
}

static bool
has_accounts(const struct model *model)
{
    return model_names(model, VMN_TABLE_ACCOUNT).n;
}

/* Keeps revoked what was revoked since the backup, unless it is asked for; if
 * it is known what that is. */
static int
keep_revoked(struct restore *restore, struct store_states *states,
             struct vmn_error *why)
{
    bool keep = !restore->how->with_revoked, same;
    struct store_restored *r = restore->r;
    int error = store_is_same_vmnd(states->db, &same, why);

    if (error || !same || restore->former.revision < r->info.revision) {
        r->revoked_unknown = !error && has_accounts(states->then);
        return error;
    }
    error = store_revoked_find(states, keep, r->revision, restore->revoked,
                               why);
    if (!error && keep && json_array_size(restore->revoked)) {
        r->n_revoked = json_array_size(restore->revoked);
        error = load_model(states->db, restore->file, &states->then, why);
    }
    return error;
}

/* Asks whether to go on, if objects differ, or a member is to be none any
 * more; a dry run tells that none does.  Sets 'restore->done' if nothing is to
 * be done. */
static int
ask(struct restore *restore, const struct store_states *states,
    struct vmn_error *why)
{
    const struct store_restore *how = restore->how;
    struct store_loss loss = {
        .revisions = json_array(), .objects = json_array(),
        .revoked = restore->revoked,
        .of_member = restore->place.cluster,
    };
    int error = store_loss_find(states, how->max ? how->max : STORE_LOSS_MAX,
                                &loss, why);

    restore->r->unchanged = !error && !loss.n_objects
                            && !restore->place.cluster;
    restore->r->n_taken_back = loss.n_revisions;
    if (!error
        && (loss.n_objects || loss.of_member || how->dry_run) && how->confirm
        && !how->confirm(how->aux, &loss)) {
        error = ECANCELED;
    }
    restore->done = restore->r->unchanged;
    json_decref(loss.loosened);
    json_decref(loss.revisions);
    json_decref(loss.objects);
    return error;
}

/* Notes why the former database, whose rows cannot be loaded, has not been
 * compared.  Its log is there all the same: counts what is taken back.  Asks
 * whether to go on, since nobody knows what is lost. */
static int
skip_comparison(struct restore *restore, const struct store_states *states,
                struct vmn_error *reason, struct vmn_error *why)
{
    const struct store_restore *how = restore->how;
    struct store_restored *r = restore->r;
    struct store_loss loss = {
        .revisions = json_array(), .objects = json_array(),
        .revoked = restore->revoked, .of_member = restore->place.cluster,
    };
    int error = store_loss_find_revisions(states, 0, &loss, why);

    r->uncompared = vmn_error_steal_text(reason);
    r->revoked_unknown = has_accounts(states->then);
    r->n_taken_back = loss.n_revisions;
    loss.uncompared = r->uncompared;
    if (!error && !how->dry_run && how->confirm
        && !how->confirm(how->aux, &loss)) {
        error = ECANCELED;
    }
    json_decref(loss.revisions);
    json_decref(loss.objects);
    return error;
}

/* Compares the backup with the former database, both of which are loaded.  A
 * former one that cannot be loaded cannot be compared, but has a log and IDs
 * all the same. */
static int
compare(struct restore *restore, sqlite3 *db, struct vmn_error *why)
{
    struct vmn_error reason = VMN_ERROR_INIT;
    struct store_log log = { .db = NULL };
    struct store_states states = {
        .db = db, .log = &log, .revision = restore->r->info.revision,
    };
    const char *copy = restore->former.copy;
    sqlite3 *former = NULL;
    int error = load_model(db, restore->file, &states.then, why);

    error = error ? error : store_connect(copy, SQLITE_OPEN_READONLY, "",
                                          &former, why);
    error = error ? error : store_log_open(&log, copy, why);
    error = error ? error : store_place_read(former, &restore->place, why);
    restore->r->of_member = restore->place.cluster;
    if (!error
        && load_model(former, restore->database, &states.now, &reason)) {
        error = skip_comparison(restore, &states, &reason, why);
    } else if (!error) {
        error = keep_revoked(restore, &states, why);
        error = error ? error : ask(restore, &states, why);
    }
    vmn_error_uninit(&reason);
    store_log_close(&log);
    sqlite3_close(former);
    model_destroy(states.then);
    model_destroy(states.now);
    return error;
}

/* Asks whether to go on where what is there cannot be used: it may be no
 * database of ours at all. */
static int
ask_of_unusable(const struct restore *restore)
{
    const struct store_restore *how = restore->how;
    struct store_loss loss = {
        .revisions = json_array(), .objects = json_array(),
        .revoked = restore->revoked, .uncompared = restore->former.damage,
    };
    bool goes_on = (!restore->former.exists || how->dry_run || !how->confirm
                    || how->confirm(how->aux, &loss));

    json_decref(loss.revisions);
    json_decref(loss.objects);
    return goes_on ? 0 : ECANCELED;
}

/* Changes the copy of the backup into the database that vmnd is to load. */
static int
prepare(struct restore *restore, struct vmn_error *why)
{
    const struct former *former = &restore->former;
    struct store_restored *r = restore->r;
    bool known = is_known(former);
    sqlite3 *db = NULL;
    int error = store_connect(restore->copy, SQLITE_OPEN_READWRITE, "", &db,
                              why);

    r->revision = store_next_revision(&r->info, known, former->revision);
    if (!error && restore->how->n_hosts) {
        error = store_map_hosts(db, restore->file, restore->how->hosts,
                                restore->how->n_hosts, r, why);
    }
    if (known) {
        error = error ? error : attach_former(db, former->copy, why);
        error = error ? error : compare(restore, db, why);
    } else {
        r->revoked_unknown = r->info.n_accounts;
        error = error ? error : ask_of_unusable(restore);
    }
    if (!error && !restore->done) {
        error = store_continue(db, restore->file, restore->how->comment, known,
                               restore->revoked, r, why);
    }
    sqlite3_close(db);
    return error;
}

/* Replacing the file.  ---------------------------------------------------- */

/* Links 'from' as 'to', if 'keep', or renames it.  Renames it, too, if the
 * file system has no hard links. */
static int
link_or_rename(const char *from, const char *to, bool keep,
               struct vmn_error *why)
{
    if ((keep && !link(from, to)) || !rename(from, to) || errno == ENOENT) {
        return 0;
    }

    int error = errno;
    return vmn_error_errno(why, error, "cannot rename %s to %s: %s", from, to,
                           ovs_strerror(error));
}

/* Saves the former database under another name.  It keeps its own name, too,
 * until it is replaced: a vmnd that started in between would create a new
 * database.  Its write-ahead log does not, since SQLite would take it for the
 * new file's. */
static int
save_former(const char *database, char **namep, struct vmn_error *why)
{
    char *time = xastrftime_msec("%Y%m%dT%H%M%S.###Z", time_wall_msec(),
                                 true);
    char *saved = xasprintf("%s.before-restore-%s", database, time);
    char *log = xasprintf("%s-wal", database);
    char *saved_log = xasprintf("%s-wal", saved);
    char *index = xasprintf("%s-shm", database);
    int error = link_or_rename(database, saved, true, why);

    error = error ? error : link_or_rename(log, saved_log, false, why);
    unlink(index);
    free(index);
    free(saved_log);
    free(log);
    free(time);
    *namep = saved;
    return error;
}

/* Changes the owner of the copy to that of the former database: vmnd may run
 * as another user.  If that one owned the folder, too,
 * store_file_work_as_owner() would have the copy be that user's. */
static int
chown_copy(const char *copy, const char *database, struct vmn_error *why)
{
    struct stat st;
    int error = 0;

    if (!geteuid() && !lstat(database, &st)
        && lchown(copy, st.st_uid, st.st_gid)) {
        error = errno;
        vmn_error_errno(why, error, "cannot give %s to user %u: %s", copy,
                        (unsigned) st.st_uid, ovs_strerror(error));
    }
    return error;
}

static int
replace(struct restore *restore, struct vmn_error *why)
{
    struct store_restored *r = restore->r;
    struct store_file_info prepared;
    int error = store_file_verify(restore->copy, restore->file, &prepared,
                                  why);

    error = error ? error : chown_copy(restore->copy, restore->database, why);
    if (!error && restore->former.exists) {
        error = save_former(restore->database, &r->former, why);
    }
    return error ? error : store_file_publish(restore->copy,
                                              restore->database, true, why);
}

static int
run(struct restore *restore, struct vmn_error *why)
{
    struct store_restored *r = restore->r;
    int error = find_former(restore, why);

    error = error ? error : store_copy_file(restore->file, restore->copy,
                                            why);
    error = error ? error : store_file_verify(restore->copy, restore->file,
                                              &r->info, why);
    error = error ? error : prepare(restore, why);
    if (!error && !restore->done && !restore->how->dry_run) {
        error = replace(restore, why);
    }
    r->damage = restore->former.damage;
    if (!r->uncompared && !is_known(&restore->former)) {
        r->uncompared = xstrdup(r->damage ? r->damage
                                : "there is no database yet");
    }
    r->log_cut = r->damage != NULL;
    return error == ECANCELED && restore->how->dry_run ? 0 : error;
}

int
store_file_restore(const char *file, const char *database,
                   const struct store_restore *how, struct store_restored *r,
                   struct vmn_error *why)
{
    struct restore restore = {
        .file = file, .database = database, .how = how, .r = r,
        .revoked = json_array(),
    };
    struct store_lock lock = { .fd = -1 };
    struct store_scratch scratch;
    int error = store_file_check_place(database, why);

    memset(r, 0, sizeof *r);
    if (error) {
        json_decref(restore.revoked);
        return error;
    }
    if (!how->dry_run) {
        error = store_lock_take(&lock, database, why);
    }
    store_scratch_remove_stale(database, !how->dry_run && !error);
    error = error ? error : store_scratch_make(&scratch, database,
                                               how->dry_run, why);
    if (!error) {
        restore.copy = scratch.copy;
        restore.former.copy = scratch.former;
        error = run(&restore, why);
        store_scratch_remove(&scratch);
    }
    store_lock_release(&lock, true);
    json_decref(restore.revoked);
    return error;
}

void
store_restored_uninit(struct store_restored *r)
{
    free(r->former);
    free(r->damage);
    free(r->uncompared);
    json_decref(r->hosts.others);
    memset(r, 0, sizeof *r);
}
