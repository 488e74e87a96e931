/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of vmnctl share: the state of one run, its
 * options, and the descriptor of a command.  Commands are rows of
 * ctl_commands[]. */

#ifndef CONTROLLER_CTL_CTL_H
#define CONTROLLER_CTL_CTL_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "svec.h"

struct ctl_client;
struct ctl_command;
struct ctl_custom;
struct ctl_field_path;
struct ds;

/* Exit statuses: part of the interface. */
enum ctl_exit {
    CTL_DONE = 0,
    CTL_REFUSED = 1,       /* The server rejected the request. */
    CTL_DIFFERS = 1,       /* See ctl_comparison_exit(). */
    CTL_USAGE = 2,         /* Wrong command line or input file. */
    CTL_NO_COMPARISON = 2, /* See ctl_comparison_exit(). */
    CTL_UNREACHABLE = 3,   /* The server did not reply. */
    CTL_NOT_INSTALLED = 4, /* Durable, but not installed on all hosts in
                            * time, or an app has failed. */
    CTL_CUT = 5,           /* Drained, but what was open is cut. */
};

/* The last three are for objects only. */
enum ctl_output {
    CTL_TABLE, CTL_JSON, CTL_YAML, CTL_WIDE, CTL_NAME, CTL_CUSTOM,
};

/* Groups of options that a command accepts: bits. */
enum ctl_option {
    CTL_OPT_OUTPUT = 1 << 0,    /* -o, for objects; --sort-by and
                                 * --no-headers. */
    CTL_OPT_SELECTOR = 1 << 1,
    CTL_OPT_LIMIT = 1 << 2,
    CTL_OPT_FILE = 1 << 3,      /* --file and --recursive. */
    CTL_OPT_PRUNE = 1 << 4,
    CTL_OPT_WAIT = 1 << 5,      /* --wait, --no-wait and --timeout: it changes
                                 * the state. */
    CTL_OPT_WAITS = 1 << 6,     /* No option: it waits by default. */
    CTL_OPT_CASCADE = 1 << 7,
    CTL_OPT_GLOBAL = 1 << 8,    /* --server and so on: every command. */
    CTL_OPT_DRY_RUN = 1 << 9,   /* --dry-run, and -o with it
                                 * (of a restore, also without). */
    CTL_OPT_PLAN = 1 << 10,     /* -o, for a command that only plans. */
    CTL_OPT_ONCE = 1 << 11,     /* --once and --interval. */
    CTL_OPT_FLOWS = 1 << 12,    /* --diff, --repair, --app and so on. */
    CTL_OPT_DATABASE = 1 << 13, /* --database. */
    CTL_OPT_AFTER = 1 << 14,    /* --after. */
    CTL_OPT_REPLY = 1 << 15,    /* --reply, --size and so on, of trace. */
    CTL_OPT_DROPS = 1 << 16,    /* --host, --port and so on. */
    CTL_OPT_REACH = 1 << 17,    /* --network and --by. */
    CTL_OPT_LOGS = 1 << 18,     /* The same for logs. */
    CTL_OPT_ALLOW = 1 << 19,    /* --name, --allow and --allow-group. */
    CTL_OPT_NETWORK = 1 << 20,  /* --network. */
    CTL_OPT_SHOWN = 1 << 21,    /* -o, for anything else. */
    CTL_OPT_RECOMMEND = 1 << 22, /* --network, --for and so on. */
    CTL_OPT_GET = 1 << 23,      /* --watch, --host and --network. */
    CTL_OPT_EVENTS = 1 << 24,   /* --kinds and so on. */
    CTL_OPT_TOKEN = 1 << 26,    /* --account, --expires and --out. */
    CTL_OPT_JOIN = 1 << 27,     /* --address and --plain. */
    CTL_OPT_CONTENTS = 1 << 28, /* --diff, of a revision. */
    CTL_OPT_FORCE = 1 << 29,    /* --force. */
    CTL_OPT_REVISIONS = 1 << 30, /* --type, --name, --who, --users and
                                  * --since. */
    CTL_OPT_SUPPORT = 1 << 25,  /* --no-objects and --unixctl. */
    CTL_OPT_PATCH = 1LL << 32,  /* --patch and --patch-file. */
    CTL_OPT_AWAIT = 1LL << 33,  /* --for, --backend and --timeout. */
    CTL_OPT_REPLACE = 1LL << 34, /* --force, of a file. */
    CTL_OPT_YES = 1LL << 35,    /* --yes. */
    CTL_OPT_RESTORE = 1LL << 36, /* --with-revoked and --comment. */
    CTL_OPT_CLUSTER = 1LL << 37, /* --name, --address and so on. */
    CTL_OPT_MIGRATE = 1LL << 38, /* --activate, --cancel and --finish. */
    CTL_OPT_CAPTURE = 1LL << 39, /* --write, --filter, --for and so on. */
    CTL_OPT_DRAFT = 1LL << 40,  /* --draft: a change goes there. */
    CTL_OPT_ROLLBACK = 1LL << 41, /* --draft and --apply. */
    CTL_OPT_ETAG = 1LL << 42,   /* --etag. */
    CTL_OPT_TRAFFIC = 1LL << 43, /* --by, --sort and so on, of traffic. */
    CTL_OPT_ADVICE = 1LL << 44, /* --capacity and so on. */
    CTL_OPT_TRY = 1LL << 45,    /* --dry-run, of a command with other uses of
                                 * -o. */
};

struct ctl {
    FILE *in, *out, *err;
    const struct ctl_command *command; /* That runs; NULL before. */
    struct ctl_client *client;  /* NULL until the first call. */
    bool warned_of_age;         /* That replies may be old. */

    /* Options. */
    char *server;               /* Owned. */
    char *token_file;           /* Owned, as the next three; or NULL. */
    char *ca_cert;
    char *certificate;
    char *private_key;
    enum ctl_output output;
    struct ctl_custom *custom;  /* Of CTL_CUSTOM.  Owned; or NULL. */
    struct ctl_field_path *sort_by; /* Owned; or NULL. */
    bool no_headers;
    char *selector;             /* Owned; or NULL. */
    long int limit;             /* 0: all. */
    long int size;              /* Of a packet in bytes; 0: any. */
    long int dscp;              /* Of a packet. */
    struct svec files;
    bool recursive;             /* Folders inside of folders, too. */
    char *patch;                /* Owned, as the next; or NULL. */
    char *patch_file;
    char *prune;                /* Owned; or NULL. */
    char *database;             /* Owned; or NULL. */
    bool wait;
    int timeout_ms;             /* Of --wait. */
    bool timeout_given;
    bool drained;               /* What to wait for: a drain. */
    struct svec backends;       /* Ports of --backend. */
    bool cascade;
    bool dry_run;
    bool refuse_loosening;      /* A change opens nothing that was closed. */
    char *draft;                /* Where changes go instead.  Owned; or
                                 * NULL. */
    bool apply;                 /* A rollback, once it is drafted. */
    char *etag;                 /* Of the draft to apply.  Owned; or NULL. */
    char *comment;              /* On a change.  Owned; or NULL. */
    bool diff;
    bool force;
    bool yes;
    bool activate, cancel, finish; /* A migration. */
    bool with_revoked;
    char *map_hosts;            /* File name.  Owned; or NULL. */
    bool repair;
    char *app;                  /* Owned, as the next three; or NULL. */
    char *stage;
    char *table;
    char *object;
    struct svec after;          /* File names. */
    bool reply;
    bool verbose;
    bool live, deliver;         /* Of trace. */
    char *source_ip;            /* Owned; or NULL. */
    char *payload;              /* The same. */
    char *name;                 /* Owned; or NULL. */
    struct svec allow;          /* Services. */
    struct svec allow_groups;
    bool allow_empty;           /* A selector may match nothing. */
    char *host;                 /* Owned, as the next three; or NULL. */
    char *network;
    char *port;
    char *reason;
    bool by_port;
    char *group_by;             /* Owned, as the next; or NULL. */
    char *sort;
    char *from;                 /* Owned, as the next; or NULL. */
    char *to;
    char *policy;               /* Owned, as the next; or NULL. */
    char *loadbalancer;
    bool follow;
    bool all;                   /* Background, too. */
    bool watch;
    char *kinds;                /* Owned, as the next; or NULL. */
    char *type;
    bool users;
    char *who;                  /* Owned, as the next; or NULL. */
    char *since;
    char *account;              /* Owned, as the next two; or NULL. */
    char *expires;
    char *out_file;             /* Owned; or NULL. */
    char *address;
    bool plain;
    char *pki;                  /* Owned; or NULL. */
    int for_s;                  /* 0: not given. */
    char *write_file;           /* Owned, as the next; or NULL. */
    char *direction;
    struct svec filters;
    struct svec groups;
    struct svec rules;          /* Numbers, of 'policy'. */
    long int count;             /* Of packets, as the next a second; 0: not
                                 * given. */
    long int rate;
    char *labels;               /* Owned; or NULL. */
    bool exact;
    bool enforce;
    char *capacity;             /* Owned, as the next six; or NULL. */
    char *capacity_label;
    char *apart;
    char *together;
    char *host_selector;
    char *move_cost;
    char *max_moves;
    bool move_pinned;
    bool once;
    bool no_objects;
    char *unixctl;              /* Owned; or NULL. */
    int interval_ms;
    bool help;

    bool progress;              /* A progress line is shown: see
                                 * ctl_progress(). */
    bool passes_over;           /* Objects that the account may not see: errors
                                 * 403 */
    size_t n_passed_over;       /* are counted, not printed. */
    size_t n_refused;           /* Other rejections, which were printed. */
};

struct ctl_command {
    const char *name;           /* NULL in the last row of ctl_commands[]. */
    const char *args;           /* For the usage line. */
    int min_args;
    int max_args;               /* -1: any number. */
    uint64_t options;       /* Of CTL_OPT_*, without CTL_OPT_GLOBAL. */
    const char *summary;        /* One line, for `vmnctl --help`. */
    const char *help;           /* Further text, with an example. */
    enum ctl_exit (*run)(struct ctl *, int n_args, char *const args[]);
};

extern const struct ctl_command ctl_commands[];

/* Runs vmnctl.  The streams are borrowed.  Returns an exit status. */
int ctl_main(int argc, char *argv[], FILE *in, FILE *out, FILE *err);

/* command-options.c */

/* Parses the options in 'argv', whose first element is the name of the program
 * or the command, and sets '*first' to the index of the first argument.  If
 * 'command' is NULL, stops at the first argument.  Returns false after it has
 * printed an error. */
bool ctl_options_parse(struct ctl *, const struct ctl_command *command,
                       int argc, char *argv[], int *first);
void ctl_options_help(FILE *, uint64_t options);

/* Description of an option. */
struct ctl_option_info {
    char letter;                /* Its short form, or 0. */
    const char *name, *arg;     /* 'arg' is NULL if it has no argument. */
    const char *values;         /* Accepted values, separated by spaces; or
                                 * NULL. */
    const char *help;
};

/* Fills in the 'i'th of the options that 'options' includes.  Returns false
 * past the last one. */
bool ctl_option_at(size_t i, uint64_t options, struct ctl_option_info *);

/* Prints an error about the command line or an input file.  Returns
 * CTL_USAGE. */
enum ctl_exit ctl_usage(struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* output-outcome.c */

/* Prints an outcome, such as "ports/web-1 created". */
void ctl_print_outcome(struct ctl *, const char *type, const char *name,
                       const char *outcome);

/* The same for each element of "results" in the reply to POST /v1/apply. */
void ctl_print_outcomes(struct ctl *, const json_t *results);

/* Prints the outcome of each object that a cascade or a prune changed, as
 * "also_changed" of 'reply' lists them. */
void ctl_print_also_changed(struct ctl *, const json_t *reply);

/* Prints each of "warnings" of a reply or plan on ctl->err. */
void ctl_print_warnings(struct ctl *, const json_t *reply);
/* Prints the paragraph "Loosens:" of a plan, if it loosens anything.  Returns
 * an object with the other warnings, which the caller owns. */
json_t *ctl_print_loosened(struct ctl *, const json_t *plan);

/* cmd-revision.c */

/* Prints revisions, as GET /v1/revisions has them, as a table. */
void ctl_show_revisions(struct ctl *, json_t *revisions);
/* Appends "taken back by 6" of a revision that a restore has taken back;
 * otherwise returns false. */
bool ctl_put_taken_back(const json_t *revision, struct ds *);
/* Sets '*revision' to the newest revision that a user has made, which the
 * caller owns, or to NULL after an error. */
enum ctl_exit ctl_get_latest_by_users(struct ctl *, json_t **revision);

/* The commands, each in cmd-NAME.c or beside one that is like it. */
enum ctl_exit ctl_cmd_get(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_hosts(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_apps(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_describe(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_explain(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_apply(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_edit(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_delete(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_label(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_patch(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_sets(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_drain(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_undrain(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_quarantine(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_capture(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_release(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_promote(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_diff(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_revision(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_revisions(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_wait(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_history(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_undo(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_draft(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_rollback(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_flows(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_trace(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_drops(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_identities(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_paths(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_usage(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_policy(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_reachability(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_events(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_logs(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_status(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_completion(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_support(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_top(struct ctl *, int, char *const[]);
/* What `vmnctl top traffic` does. */
enum ctl_exit ctl_top_traffic(struct ctl *);
enum ctl_exit ctl_cmd_advise(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_backup(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_app(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_cluster(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_restore(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_token(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_migrate(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_host(struct ctl *, int, char *const[]);
enum ctl_exit ctl_cmd_version(struct ctl *, int, char *const[]);

#endif /* controller/ctl/ctl.h */
