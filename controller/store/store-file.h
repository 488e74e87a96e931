/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on database files, for vmnctl: verifying, backing up, restoring.
 * Not for a running vmnd's own use of its database (store.h).
 *
 * An int that is returned is 0, or a positive errno with an error in '*why',
 * which may be NULL (controller/schema/error.h). */

#ifndef CONTROLLER_STORE_STORE_FILE_H
#define CONTROLLER_STORE_STORE_FILE_H 1

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"

struct json_t;
struct model;

/* The content of a database, in short. */
struct store_file_info {
    uint64_t revision;          /* The newest. */
    int64_t time_ms;            /* When it was made; 0: not known. */
    size_t n_objects;           /* Of all types that users make; */
    size_t n_accounts;          /* of these, accounts. */
};

/* Verifies the database at 'path': each page, indexes, references, and that
 * every row loads.  Migrates it to the newest format: 'path' is a copy of the
 * caller's own.  'name' is what it is
 * called in errors. */
int store_file_verify(const char *path, const char *name,
                      struct store_file_info *, struct vmn_error *why);

/* Creates a temporary file beside 'file', readable by its owner alone; the
 * caller frees '*name'. */
int store_file_make_temporary(const char *file, char **name,
                              struct vmn_error *why);
/* Switches the process from root to the owner of the folder of 'database', if
 * that is another user: such a folder may have links to root's files.  Fails
 * if that user cannot read 'file'. */
int store_file_work_as_owner(const char *database, const char *file,
                             struct vmn_error *why);

/* Fails (EINVAL) if 'file' is there and is no file, but a folder, a link or a
 * device: one that is put in its place would remove it, or have it go by
 * another name. */
int store_file_check_place(const char *file, struct vmn_error *why);
/* Fails (EEXIST) if there is the write-ahead log of another database beside
 * 'file': SQLite would take it for that of what is put there. */
int store_file_check_no_log(const char *file, struct vmn_error *why);
/* Makes 'temporary' durable and renames it to 'file', which it replaces if
 * 'replace'; else EEXIST is returned if there is one. */
int store_file_publish(const char *temporary, const char *file, bool replace,
                       struct vmn_error *why);
/* Removes 'temporary', and files that SQLite may have left beside it. */
void store_file_discard(const char *temporary);

/* Backs up the database at 'database', which may be in use, as 'file', and
 * verifies that.  'replace' as of store_file_publish(). */
int store_file_backup(const char *database, const char *file, bool replace,
                      struct store_file_info *, struct vmn_error *why);

/* Loads the state of 'file' into 'model', which has none: what users have
 * made, and what hosts had reported that is stored.  'file' is a copy of the
 * caller's own in the newest format, which store_file_backup() makes.  'name'
 * is what it is called in errors. */
int store_file_load(const char *file, const char *name, struct model *,
                    struct vmn_error *why);

/* A host of a backup whose place another machine takes.  Texts are
 * borrowed. */
struct store_host_map {
    const char *from;           /* Its name in the backup. */
    const char *to;             /* Its name; may be the same. */
    const char *ovsdb;          /* How its database is reached; NULL: as
                                 * before, which must be "inbound". */
    const char *tunnel_ip, *second_tunnel_ip; /* Its own; the latter may be
                                               * NULL: none. */
};

/* Returns the one of 'n' maps that is of host 'from' (NULL: of none), or
 * NULL. */
const struct store_host_map *store_find_host_map(
    const struct store_host_map maps[], size_t n, const char *from);

/* The result of a restore; to be uninitialized also after an error. */
struct store_restored {
    struct store_file_info info;    /* Of the backup. */
    uint64_t revision;              /* Of the restored state. */
    char *former;                   /* New name of the former database, or NULL
                                     * if there was none.  Owned by the
                                     * caller. */
    char *damage;                   /* What is wrong with it, or NULL.  Owned
                                     * by the caller. */
    char *uncompared;               /* Why the objects of the backup have not
                                     * been compared with it, or NULL.  Owned
                                     * by the caller. */
    bool of_member;                 /* That was a cluster's member's: what is
                                     * restored is of no cluster. */
    bool log_cut;                   /* The log lacks what changed since the
                                     * backup. */
    uint64_t n_taken_back;          /* Revisions of users since the backup,
                                     * which the restore has taken back, as
                                     * struct store_loss counts them; the log
                                     * keeps who changed what. */
    size_t n_renumbered;            /* IDs that other keys had since. */
    size_t n_shared;                /* Of these, VNIs that users had set, and
                                     * that were not changed therefore. */
    size_t n_revoked;               /* Tokens and accounts that would be valid
                                     * again, or have more rights, by the
                                     * backup, and do not. */
    bool revoked_unknown;           /* Which these are is not known, and the
                                     * backup has accounts. */
    struct {
        size_t n_mapped;            /* Hosts that became others. */
        size_t n_references;        /* To these, of other objects. */
        size_t n_unbound;           /* Ports that were bound there. */
        struct json_t *others;      /* Names of hosts that stayed as they are;
                                     * NULL: there is no map.  Owned by the
                                     * caller. */
    } hosts;
    bool unchanged;                 /* The database has what the backup has:
                                     * nothing was done. */
};
/* What a restore takes back: changes of users since the backup.  Valid in the
 * call.  'max' is that of struct store_restore. */
struct store_loss {
    size_t n_revisions;         /* Of users. */
    struct json_t *revisions;   /* The newest 'max', oldest first, as
                                 * GET /v1/revisions has them. */
    size_t n_objects;           /* That differ. */
    struct json_t *objects;     /* The first 'max': "op" is what the restore
                                 * does with it (create, update, delete),
                                 * "type", "name", and of an update the
                                 * "fields" that differ, as plans have them:
                                 * "before" is now. */
    struct json_t *revoked;     /* Tokens and accounts that the backup gives
                                 * back what they have lost since: "type",
                                 * "name", "reason".  They stay as they are
                                 * now, unless store_restore's 'with_revoked'
                                 * is set. */
    struct json_t *loosened;    /* What the restore opens that is closed now
                                 * (controller/model/loosening.h), as texts.
                                 * NULL: no object differs. */
    const char *uncompared;     /* Why objects have not been compared: there
                                 * are none here then.  Or NULL. */
    bool of_member;             /* As in struct store_restored. */
};
#define STORE_LOSS_MAX 20
/* Returns whether to go on. */
typedef bool store_confirm_cb(void *aux, const struct store_loss *);

/* How to restore. */
struct store_restore {
    const char *comment;        /* The user's, for the log; or NULL. */
    bool with_revoked;          /* Tokens and accounts become what they were,
                                 * also where they have been revoked since. */
    const struct store_host_map *hosts; /* Which hosts are others. */
    size_t n_hosts;
    bool dry_run;               /* Do nothing: only call 'confirm', of whatever
                                 * there is to say.  The database may be in
                                 * use. */
    size_t max;                 /* Most revisions, and objects, to list; 0:
                                 * STORE_LOSS_MAX. */
    store_confirm_cb *confirm;  /* Or NULL. */
    void *aux;
};

/* Verifies 'file', and replaces 'database', which no vmnd may be using, by its
 * content.  If objects differ from those of the backup, or the database that
 * is replaced cannot be used, or it is a cluster's member's, 'confirm' is
 * called before (by a dry run, also if none differs); if it returns false,
 * nothing is done, and ECANCELED is returned without an error (0 of a dry
 * run).  If none differs, and it is no member's, nothing is done, either.
 *
 * No revision or ID that hosts or users have seen since the backup is used
 * again with another meaning: revisions continue after the newest, and IDs
 * that were allocated since (a VNI, a zone) stay reserved until every host has
 * acknowledged the restored state. */
int store_file_restore(const char *file, const char *database,
                       const struct store_restore *,
                       struct store_restored *, struct vmn_error *why);
void store_restored_uninit(struct store_restored *);

#endif /* controller/store/store-file.h */
