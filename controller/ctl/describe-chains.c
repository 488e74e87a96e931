/* SPDX-License-Identifier: Apache-2.0
 *
 * The service chains of a port, for vmnctl describe: chains of connections
 * that the port opens or accepts, and chains that it is a function of.  Not
 * for other objects (describe-related.c). */

#include <config.h>

#include "controller/ctl/describe.h"

#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-labels.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

static const struct ctl_column chain_columns[] = {
    { "NAME", "/name", NULL },
    { "AS", "/as", NULL },
    { "HOPS", "/hops", NULL },
    { "WARNINGS", "/warnings", NULL },
    { NULL, NULL, NULL },
};

/* Adds the networks of a router if 'networks' has one of them.  Returns true
 * if that added any. */
static bool
join(const json_t *router, struct sset *networks)
{
    const json_t *interfaces = ctl_spec(router, "interfaces");
    size_t n_before = sset_count(networks);
    const json_t *interface;
    bool joins = false;
    size_t i;

    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach (interfaces, i, interface) {
            const char *network = json_string_value(
                json_object_get(interface, "network"));

            if (network && pass && joins) {
                sset_add(networks, network);
            }
            joins |= network && sset_contains(networks, network);
        }
    }
    return sset_count(networks) > n_before;
}

/* Sets 'networks' to the port's network and the networks that routers join to
 * it. */
static enum ctl_exit
find_networks(struct ctl *ctl, const json_t *port, struct sset *networks)
{
    const char *own = json_string_value(ctl_spec(port, "network"));
    json_t *routers = json_array();
    enum ctl_exit status = ctl_get_list(ctl, "routers", routers);
    bool more = !status;
    const json_t *router;
    size_t i;

    sset_add(networks, own ? own : "");
    while (more) {
        more = false;
        json_array_foreach (routers, i, router) {
            more |= join(router, networks);
        }
    }
    json_decref(routers);
    return status;
}

static bool
is_selected(const json_t *chain, const char *side, const json_t *port)
{
    const char *selector = json_string_value(ctl_spec(chain, side));

    return !selector || ctl_labels_match(selector, port);
}

/* Appends the names of the chain's hops to 'hops'.  Returns true if the port
 * is one of a function. */
static bool
read_hops(const json_t *chain, const char *port, struct ds *hops)
{
    const json_t *hop, *function;
    bool is_function = false;
    size_t i, j;

    json_array_foreach (ctl_spec(chain, "hops"), i, hop) {
        ds_put_cstr(hops, i ? "," : "");
        ctl_path_print(hop, "/name", hops);
        json_array_foreach (json_object_get(hop, "functions"), j, function) {
            const char *in = json_string_value(json_object_get(function,
                                                               "in"));
            const char *out = json_string_value(json_object_get(function,
                                                                "out"));

            is_function |= (in && !strcmp(in, port)) || (out && !strcmp(out,
                                                                        port));
        }
    }
    return is_function;
}

/* Appends the chain to 'rows' if the port is concerned. */
static void
add_chain(const json_t *chain, const char *name, const json_t *port,
          const struct sset *networks, json_t *rows)
{
    const char *network = json_string_value(ctl_spec(chain, "network"));
    bool near = network && sset_contains(networks, network);
    bool from = near && is_selected(chain, "sources", port);
    bool to = near && is_selected(chain, "destinations", port);
    struct ds hops = DS_EMPTY_INITIALIZER;
    bool is_function = read_hops(chain, name, &hops);

    if (!json_is_false(ctl_spec(chain, "enabled"))
        && (is_function || from || to)) {
        json_array_append_new(rows, json_pack(
            "{s:O, s:s, s:s, s:O*}", "name", json_object_get(chain, "name"),
            "as", is_function ? "function"
            : from && to ? "source, destination"
            : from ? "source" : "destination", "hops", ds_cstr(&hops),
            "warnings", json_object_get(json_object_get(chain, "status"),
                                        "warnings")));
    }
    ds_destroy(&hops);
}

enum ctl_exit
ctl_describe_chains(struct ctl *ctl, const char *name, const json_t *port)
{
    struct sset networks = SSET_INITIALIZER(&networks);
    json_t *chains = json_array(), *rows = json_array();
    struct ctl_reply reply;
    const json_t *chain;
    enum ctl_exit status;
    bool there;
    size_t i;

    /* Without app chains there is no such type. */
    status = ctl_get_except(ctl, "/v1/chains?limit=1", 404, &reply, &there);
    if (!status && there) {
        bool any = json_array_size(json_object_get(reply.body, "items"));

        ctl_reply_uninit(&reply);
        status = any ? ctl_get_list(ctl, "chains", chains) : CTL_DONE;
        status = (!status && any ? find_networks(ctl, port, &networks)
                  : status);
    }
    json_array_foreach (chains, i, chain) {
        add_chain(chain, name, port, &networks, rows);
    }
    if (!status) {
        ctl_describe_table(ctl, "Service chains", chain_columns, rows);
    }
    sset_destroy(&networks);
    json_decref(chains);
    json_decref(rows);
    return status;
}
