/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API on a real model, engine and commit, and a raw client.  Only the
 * store and the fabric are made here, so that a test can hold, fail and finish
 * what they do. */

#ifndef TESTS_UNIT_NORTHBOUND_FIXTURE_H
#define TESTS_UNIT_NORTHBOUND_FIXTURE_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/northbound/northbound-private.h"
#include "tests/unit/http-client.h"

/* A store in memory. */
struct store {
    struct event *done;
    store_done_cb *cb;
    void *aux;
    int error;                  /* Of the next writes. */
    int read_error;             /* Of the next readings of the log. */
    bool hold;                  /* Do not finish writes. */
    bool corrupt;
    uint64_t disk_free;         /* Of 1,000 MiB; 0: not known. */
    struct store_last_backup last_backup;
    json_t *logs;
    json_t *contents;           /* Texts, by revision. */
    uint64_t set_revision;      /* Of the set "demo". */
    uint64_t backup, restore;   /* What is between was taken back. */
    /* The copy that was asked for. */
    store_copied_cb *copied;
    void *copied_aux;
};

extern const struct store_class fake_store_class;
/* Its write is done: the callback of 'done'. */
void store_finish(int fd, short what, void *store);

/* A fabric of hosts that the test speaks for. */
struct fabric {
    fabric_wait_cb *cb;         /* One wait at a time. */
    void *aux;
    uint64_t revision;
    int timeout_ms;
    unsigned n_cancelled;
    const char *not_now;        /* Why nothing can be audited, or NULL. */
    fabric_audit_cb *audit_cb;
    void *audit_aux;
    bool auditing;              /* The newest has not ended. */
    struct fabric_audit_request look; /* What was requested last, of an audit
                                       * or a list of flows; strings are in: */
    char look_app[64], look_object[64];
    unsigned n_audits, n_forgotten;
    unsigned n_flows;           /* Lists under way. */
    bool endless;               /* They do not end. */
    size_t n_watches;
    struct {
        const struct fabric_watch *watch;
        void *aux;
    } watches[FABRIC_WATCHERS_MAX];
    const char *host_state;     /* Of all hosts; NULL: "offline". */
    const char *offline_host;   /* One that is so all the same, or NULL. */
    int64_t unheard_ms;         /* Since when hv1 is unheard; 0: it is not. */
    const char *port_state;     /* Of all ports, on hv1; NULL: "unbound". */
    struct status_lease *lease; /* Of all ports, or NULL. */
    struct fabric_unanswered unanswered; /* By all neighbours; 'n' 0: none. */
    uint64_t acked;             /* By all hosts. */
    uint64_t recorded;          /* The revision whose receipt is. */
    uint64_t behind;            /* A revision that it has not heard of yet, as
                                 * of later ones; 0: none. */
    bool lacking;               /* A host has not confirmed. */
    uint64_t lag_ms;            /* Of hv1. */
    uint64_t n_connected, n_synced; /* Of three hosts. */
    struct fabric_connections_reading *reading; /* The newest. */
    struct vmn_ip from, to;     /* Of what is learned. */
    size_t n_unclaimed;         /* Interfaces, on 'n_unclaiming' hosts. */
    size_t n_unclaiming;        /* At most 9: hv1 and so on. */
    size_t n_unread;            /* Hosts, whose counters were not read. */
    int64_t counted_ms;         /* Their oldest reading. */
    const struct fabric_pair *pairs; /* That were counted. */
    size_t n_pairs;
    size_t n_full_hosts;        /* That count no more of them. */
    char sample_to[VMN_NAME_LEN + 1]; /* Receiver of samples; empty: none. */
};
extern struct fabric fake_fabric;
/* Has the fake fabric tell its watchers: TELL(host, (aux, "hv1")). */
#define TELL(MEMBER, ARGS)                                              \
    for (size_t i__ = 0; i__ < fake_fabric.n_watches; i__++) {          \
        void *aux = fake_fabric.watches[i__].aux;                       \
                                                                        \
        if (fake_fabric.watches[i__].watch->MEMBER) {                   \
            fake_fabric.watches[i__].watch->MEMBER ARGS;                \
        }                                                               \
    }

/* What there is of everything at all balancers. */
struct fake_load {
    bool known;
    double rate;                /* A second. */
    size_t n_backends, n_serving;
};
extern struct fake_load fake_load;

struct fabric_connections_reading {
    fabric_connections_cb *cb;
    void *aux;
    uint32_t vni;
    char hosts[64];             /* "hv1,hv2". */
};

struct fixture {
    struct event_base *base;
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct apphost *apphost;
    struct webhook *webhook;    /* May call nobody. */
    struct load_monitor *load;          /* Looks when it is told to. */
    struct northbound *nb;
    struct store store;
    char dir[64];
    char *path;
    struct client client;       /* Its last reply is what asserts look at. */
    json_t *body;               /* Of the last reply, or NULL. */
};

/* For commit_submit(): the request must be done well; sets the bool at
 * 'done'. */
void on_committed(void *done, const struct commit_result *);

int setup(void **state);
/* The same for a standby of a cluster; the test speaks for the cluster, which
 * is NULL. */
int setup_member(void **state);
int teardown(void **state);

/* A request, as text that the caller frees. */
char *make_request(const char *method, const char *path, const char *headers,
                   const char *body);
/* Takes the next reply; its body to f->body.  Returns its status. */
int take_reply(struct fixture *);
/* Both. */
int call_with(struct fixture *, const char *method, const char *path,
              const char *headers, const char *body);
int call(struct fixture *, const char *method, const char *path,
         const char *body);
/* Sends, and comes back before the reply. */
void send_only(struct fixture *, const char *method, const char *path,
               const char *body);
/* Fails the test unless the reply's status is 'want'. */
void assert_call(struct fixture *, int want, const char *method,
                 const char *path, const char *body);

/* The value at a dotted path of the last reply, such as "items.0.name". */
json_t *at(struct fixture *, const char *path);
void assert_text(struct fixture *, const char *path, const char *want);
bool has_error_at(struct fixture *, const char *pointer);
void assert_error_at(struct fixture *, const char *pointer);
json_int_t revision(struct fixture *);

#define NET "{\"spec\": {\"subnets\": [{\"cidr\": \"10.0.0.0/24\"}]}}"
#define PORT(LABELS) "{\"spec\": {\"network\": \"shop\", \"labels\": {" \
                     LABELS "}}}"

/* Makes a network "shop" with three ports. */
void make_shop(struct fixture *);
/* Makes host "hv1". */
void make_host(struct fixture *);
/* hv1 has seen 'from' speak to 'to' on TCP port 80 and by GRE; it has no room
 * for more, and hv2 is away. */
void tell_notes(void);

#endif /* tests/unit/northbound-fixture.h */
