/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of other tools; see other-tools.h. */

#include <config.h>

#include "controller/ctl/other-tools.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/object-types.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Types.  ----------------------------------------------------------------- */

static const struct {
    const char *type, *words;   /* Words have a space at both sides. */
} types[] = {
    { "ports", " vm vms pod pods po instance instances server servers domain "
      "domains guest guests vif vifs nic nics interface interfaces iface lsp "
      "logical-switch-port endpoint endpoints " },
    { "hosts", " node nodes no hypervisor hypervisors chassis compute " },
    { "networks", " nets ls switch switches logical-switch subnet subnets "
      "vlan vlans vpc namespace namespaces ns " },
    { "routers", " lr logical-router lrp route routes lr-route gateway "
      "gateways " },
    { "policies", " acl acls netpol networkpolicy networkpolicies rule rules "
      "security-group security-groups sg firewall fw " },
    { "groups", " pg port-group address-set as addressgroup " },
    { "loadbalancers", " lbs vip vips balancer balancers load-balancer "
      "ls-lb lr-lb " },
    { "floating-ips", " fip fips floatingip floating-ip-address eip nat "
      "lr-nat " },
    { "dns-zones", " dns zone zones record records " },
    { "accounts", " user users role roles project projects tenant tenants " },
};

/* Returns the type that has 'word' among its words, or NULL. */
const char *
ctl_other_type(const char *word)
{
    char *spaced = xasprintf(" %s ", word);
    const char *type = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(types) && !strchr(word, ' '); i++) {
        if (strstr(types[i].words, spaced)) {
            type = types[i].type;
        }
    }
    free(spaced);
    return type;
}

bool
ctl_other_list(const char *word)
{
    static const char *const lists[] = {
        "drops", "events", "flows", "identities", "logs", "paths", "revisions",
        "sets", "status", "usage", "version",
    };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        if (!strcmp(word, lists[i])) {
            return true;
        }
    }
    return false;
}

/* Returns the plural of what 'word' means here or elsewhere, or NULL. */
static const char *
type_of(const char *word)
{
    const struct schema_table *type = ctl_type_find(word);

    return type ? type->plural : ctl_other_type(word);
}

/* Commands of one word.  -------------------------------------------------- */

#define IS_SERVICE(WORD) "vmnd is a service: systemctl " WORD " vmnd"
#define FOR_CURL "calls of the API are for curl; "
#define NO_VMS "vmnctl has networks; VMs are what runs them to start, stop " \
               "and move"

/* A command, which gets the same arguments if 'keeps' says so; or a
 * sentence. */
static const struct {
    const char *word, *command;
    bool keeps;
    const char *sentence;
} words[] = {
    { "show", "get", true, NULL },
    { "list", "get", true, NULL },
    { "ls", "get", true, NULL },
    { "find", "get", true, NULL },
    { "dump", "get all", false, NULL },
    { "log", "logs", false, NULL },
    { "watch", "events", false, NULL },
    { "monitor", "events", false, NULL },
    { "ping", "trace", true, NULL },
    { "ofproto/trace", "trace", false, NULL },
    { "ovn-trace", "trace", false, NULL },
    { "reach", "reachability", true, NULL },
    { "create", "apply -f FILE", false, NULL },
    { "add", "apply -f FILE", false, NULL },
    { "replace", "apply -f FILE", false, NULL },
    { "define", "apply -f FILE", false, NULL },
    { "expose", "apply -f FILE", false,
      "a virtual IP is a loadbalancer: vmnctl explain loadbalancers" },
    { "set", "patch", false, NULL },
    { "annotate", "label", true, NULL },
    { "tag", "label", true, NULL },
    { "unlabel", "label TYPE NAME KEY-", false, NULL },
    { "remove", "delete", true, NULL },
    { "rm", "delete", true, NULL },
    { "del", "delete", true, NULL },
    { "destroy", "delete", true, NULL },
    { "undefine", "delete", true, NULL },
    { "plan", "diff -f FILE", false, NULL },
    { "revert", "undo", true, NULL },
    { "rollout", "undo REVISION", false, NULL },
    { "recommend", "policy recommend", true, NULL },
    { "isolate", "quarantine", true, NULL },
    { "unquarantine", "release", true, NULL },
    { "dump-flows", "flows", true, NULL },
    { "lflow-list", "flows HOST", false, NULL },
    { "list-br", "get hosts", false, NULL },
    { "nodeinfo", "get hosts", false, NULL },
    { "domiflist", "get ports", true, NULL },
    { "domifaddr", "get ports", true, NULL },
    { "dumpxml", "get ports -o yaml", true, NULL },
    { "cluster-info", "status", false, NULL },
    { "health", "status", false, NULL },
    { "stats", "status", false, NULL },
    { "info", "status", false, NULL },
    { "api-resources", "explain", false, NULL },
    { "must-gather", "support-bundle", false, NULL },
    { "save", "backup FILE", false, NULL },
    { "login", NULL, false, "a token goes behind --token-file, or into "
      "VMNCTL_TOKEN" },
    { "config", NULL, false, "the server is --server or VMNCTL_SERVER; there "
      "is no file of settings" },
    { "scale", NULL, false, "backends of a balancer are ports: its selector "
      "follows their labels (vmnctl label)" },
    { "port-forward", NULL, false, "a router forwards ports: vmnctl explain "
      "routers.external.forwards" },
    { "dump-conntrack", NULL, false, "connections are in each host's "
      "conntrack, which is read there: ovs-appctl dpctl/dump-conntrack" },
    { "cordon", NULL, false, NO_VMS },
    { "uncordon", NULL, false, NO_VMS },
    { "taint", NULL, false, NO_VMS },
    { "run", NULL, false, NO_VMS },
    { "exec", NULL, false, NO_VMS },
    { "console", NULL, false, NO_VMS },
    { "suspend", NULL, false, NO_VMS },
    { "reboot", NULL, false, NO_VMS },
    { "shutdown", NULL, false, NO_VMS },
    { "migrate", NULL, false, NO_VMS "; a port that names both hosts in "
      "\"hosts\" is ready on both (vmnctl explain ports.hosts)" },
    { "move", NULL, false, "a VM is moved by its VM manager, and its port "
      "follows: docs/handbook/move-vm.md" },
    { "restart", NULL, false, IS_SERVICE("restart") },
    { "start", NULL, false, IS_SERVICE("start") },
    { "stop", NULL, false, IS_SERVICE("stop") },
    { "GET", NULL, false, FOR_CURL "objects are shown by vmnctl get TYPE "
      "NAME" },
    { "POST", NULL, false, FOR_CURL "objects are made by vmnctl apply -f "
      "FILE" },
    { "PUT", NULL, false, FOR_CURL "objects are made by vmnctl apply -f "
      "FILE" },
    { "PATCH", NULL, false, FOR_CURL "objects are changed by vmnctl patch "
      "TYPE NAME" },
    { "DELETE", NULL, false, FOR_CURL "objects are deleted by vmnctl delete "
      "TYPE NAME" },
};

/* Appends the arguments, up to the first that is no name: an option, or a
 * value. */
static void
put_names(int n_args, char *const args[], struct ds *line)
{
    for (int i = 0; i < n_args && args[i][0] != '-' && !strchr(args[i], '=');
         i++) {
        ds_put_format(line, " %s", args[i]);
    }
}

static bool
find_word(int n_args, char *const args[], struct ds *line, struct ds *more)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(args[0], words[i].word)) {
            continue;
        }
        if (words[i].command) {
            ds_put_format(line, "vmnctl %s", words[i].command);
            for (int j = 1; j < n_args && words[i].keeps; j++) {
                ds_put_format(line, " %s", args[j]);
            }
        }
        ds_put_cstr(more, words[i].sentence ? words[i].sentence : "");
        return true;
    }
    return false;
}

/* Commands of a noun and a verb.  ----------------------------------------- */

enum verb { VERB_NONE, VERB_GET, VERB_MAKE, VERB_PATCH, VERB_DELETE };

static enum verb
verb_of(const char *word)
{
    static const struct {
        enum verb verb;
        const char *words;
    } verbs[] = {
        { VERB_GET, " list show get info dumpxml find dump " },
        { VERB_MAKE, " add create new define attach start " },
        { VERB_PATCH, " set modify edit unset rename " },
        { VERB_DELETE, " del delete remove rm destroy undefine detach " },
    };
    char *spaced = xasprintf(" %s ", word);
    enum verb verb = VERB_NONE;

    for (size_t i = 0; i < ARRAY_SIZE(verbs) && !strchr(word, ' '); i++) {
        if (strstr(verbs[i].words, spaced)) {
            verb = verbs[i].verb;
        }
    }
    free(spaced);
    return verb;
}

/* Appends what does to objects of 'type' what 'verb' says; 'args' are its
 * names. */
static void
put_verb(enum verb verb, const char *type, int n_args, char *const args[],
         struct ds *line, struct ds *more)
{
    switch (verb) {
    case VERB_MAKE:
        ds_put_cstr(line, "vmnctl apply -f FILE");
        ds_put_format(more, "vmnctl explain %s has an example", type);
        break;
    case VERB_PATCH:
        ds_put_format(line, "vmnctl patch %s", type);
        put_names(n_args, args, line);
        ds_put_cstr(line, " -p PATCH");
        break;
    case VERB_DELETE:
        ds_put_format(line, "vmnctl delete %s", type);
        put_names(n_args, args, line);
        break;
    case VERB_GET:
    case VERB_NONE:
    default:
        ds_put_format(line, "vmnctl get %s", type);
        put_names(n_args, args, line);
        break;
    }
}

/* "lsp-list", "net-create", "add-port", "floating ip list", "port show a",
 * "create port a": a noun and a verb, on either side. */
static bool
find_pair(int n_args, char *const args[], struct ds *line, struct ds *more,
          int *n_words)
{
    for (int n = 1; n <= MIN(3, n_args); n++) {
        struct ds joined = DS_EMPTY_INITIALIZER;
        enum verb verb = VERB_NONE;
        const char *type = NULL;
        bool only_type = false;
        char *first, *last;

        for (int i = 0; i < n; i++) {
            ds_put_format(&joined, "%s%s", i ? "-" : "", args[i]);
        }
        first = strchr(ds_cstr(&joined), '-');
        last = strrchr(ds_cstr(&joined), '-');
        if (first && verb_of(last + 1)) {
            verb = verb_of(last + 1);
            only_type = n == 1 && !strcmp(last + 1, "list");
            *last = '\0';
            type = type_of(ds_cstr(&joined));
        } else if (first) {
            *first = '\0';
            verb = verb_of(ds_cstr(&joined));
            type = verb ? type_of(first + 1) : NULL;
        }
        if (type) {
            /* What follows "lsp-list" is of another type. */
            put_verb(verb, type, only_type ? 0 : n_args - n, args + n, line,
                     more);
        }
        ds_destroy(&joined);
        if (type) {
            *n_words = n;
            return true;
        }
    }
    return false;
}

bool
ctl_other_command(int n_args, char *const args[], struct ds *line,
                  struct ds *more, int *n_words)
{
    const char *type;

    if (find_pair(n_args, args, line, more, n_words)) {
        return true;
    }
    *n_words = 1;
    if (find_word(n_args, args, line, more)) {
        return true;
    }
    type = ctl_type_find(args[0]) ? args[0] : ctl_other_type(args[0]);
    if (type) {
        put_verb(VERB_GET, type, n_args - 1, args + 1, line, more);
    }
    return type != NULL;
}

/* Options.  --------------------------------------------------------------- */

#define BY_NAMES(COMMAND, OPTION)                                       \
    "objects are named here: vmnctl " COMMAND " TYPE $(vmnctl get TYPE" \
    OPTION " -o name)"

/* What stands in place of options that others have: of one command, or of any
 * other than those that are named before. */
static const struct {
    const char *command, *option, *instead;
} options[] = {
    { NULL, "--version", "vmnctl version" },
    { NULL, "-V", "vmnctl version" },
    { NULL, "-v", "vmnctl version" },
    { "delete", "--all", BY_NAMES("delete", "") ", first with --dry-run" },
    { "delete", "-l", BY_NAMES("delete", " -l SELECTOR")
      ", first with --dry-run" },
    { "delete", "--selector", BY_NAMES("delete", " -l SELECTOR")
      ", first with --dry-run" },
    { "delete", "-f", "objects are named here: vmnctl delete TYPE/NAME...; "
      "what is taken out of files is deleted by vmnctl apply -f PATH --prune "
      "SET" },
    { "delete", "--file", "objects are named here: vmnctl delete "
      "TYPE/NAME..." },
    { "delete", "-y", "it does not ask; --dry-run shows what would change" },
    { "delete", "--yes", "it does not ask; --dry-run shows what would "
      "change" },
    { "delete", "--force", "what refers to the objects is changed with "
      "--cascade" },
    { "label", "-l", BY_NAMES("label", " -l SELECTOR") " KEY=VALUE" },
    { "label", "--selector", BY_NAMES("label", " -l SELECTOR")
      " KEY=VALUE" },
    { "label", "--all", BY_NAMES("label", "") " KEY=VALUE" },
    { "label", "--overwrite", "labels that are there are replaced" },
    { "release", "--all", "vmnctl release $(vmnctl get quarantines -o "
      "name)" },
    { "quarantine", "--all", "ports with labels are meant by --selector" },
    { "get", "-A", "there are no namespaces: all are shown" },
    { "get", "--all-namespaces", "there are no namespaces: all are shown" },
    { "get", "-n", "there are no namespaces: --network NETWORK of ports, or "
      "-l KEY=VALUE" },
    { "get", "--namespace", "there are no namespaces: --network NETWORK of "
      "ports, or -l KEY=VALUE" },
    { "get", "--show-labels", "labels are in -o wide and -o yaml" },
    { "get", "--field-selector", "--host and --network are for ports; -o "
      "json and jq have the rest" },
    { "apply", "-k", "-f takes a folder as well" },
    { "apply", "--force", "what somebody else has set meanwhile is replaced; "
      "--dry-run shows it" },
    { "trace", "--port", "the service comes last: vmnctl trace FROM TO "
      "tcp/80" },
    { "trace", "--protocol", "the service comes last: vmnctl trace FROM TO "
      "tcp/80" },
    { "trace", "--from", "vmnctl trace FROM TO [SERVICE]" },
    { "trace", "--to", "vmnctl trace FROM TO [SERVICE]" },
    { "trace", "--src", "vmnctl trace FROM TO [SERVICE]" },
    { "events", "-f", "--follow" },
    { "logs", "-f", "--follow" },
    { "drops", "-f", "--follow" },
    { "events", "-w", "--follow" },
    { "events", "--watch", "--follow" },
    { "logs", "--tail", "--limit N" },
    { "events", "--tail", "--limit N" },
    { "drops", "--tail", "--limit N" },
    { "revisions", "-n", "--limit N" },
    { "logs", "-n", "--limit N" },
    { "events", "-n", "--limit N" },
    { "drops", "-n", "--limit N" },
    { "drops", "-l", "--port and --network select" },
};

const char *
ctl_other_option(const struct ctl_command *command, const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const char *of = options[i].command;

        if ((of ? command && !strcmp(of, command->name) : !command)
            && strlen(options[i].option) == len
            && !strncmp(options[i].option, word, len)) {
            return options[i].instead;
        }
    }
    return NULL;
}

/* Services.  -------------------------------------------------------------- */

/* Returns the one of VMN's protocols that 'word' is, or NULL. */
static const char *
protocol_of(const char *word)
{
    static const char *const protocols[] = {
        "tcp", "udp", "sctp", "icmp", "icmpv6",
    };

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (!strcasecmp(word, protocols[i])) {
            return protocols[i];
        }
    }
    return !strcasecmp(word, "ping") ? "icmp" : NULL;
}

static bool
is_port(const char *word)
{
    int number;

    return isdigit((unsigned char) *word) && str_to_int(word, 10, &number)
           && number >= 1 && number <= 65535;
}

/* What words of a service have said so far. */
struct guess {
    const char *protocol;       /* NULL: nothing. */
    int port;                   /* 0: none. */
};

/* Takes a word into account.  Returns false if it makes no sense. */
static bool
guess_word(struct guess *guess, const char *word)
{
    const char *protocol = protocol_of(word);
    const struct servent *service;

    if (protocol && !guess->protocol) {
        guess->protocol = protocol;
        return true;
    }
    if (protocol || guess->port) {
        return false;
    }
    if (is_port(word)) {
        guess->port = atoi(word);
        return true;
    }
    /* By the machine's own list of services, if it has one. */
    service = getservbyname(word, guess->protocol);
    if (service) {
        guess->port = ntohs((uint16_t) service->s_port);
        guess->protocol = protocol_of(service->s_proto);
    }
    return service && guess->protocol;
}

char *
ctl_guess_service(int n_args, char *const args[])
{
    struct guess guess = { NULL, 0 };
    bool valid = n_args > 0, has_ports;

    for (int i = 0; i < n_args && valid; i++) {
        char *copy = xstrdup(args[i]), *save = NULL;

        for (char *word = strtok_r(copy, "/:, ", &save); word && valid;
             word = strtok_r(NULL, "/:, ", &save)) {
            valid = guess_word(&guess, word);
        }
        free(copy);
    }
    has_ports = !guess.protocol || strncmp(guess.protocol, "icmp", 4);
    if (!valid || has_ports != (guess.port != 0)) {
        return NULL;
    }
    return (guess.port ? xasprintf("%s/%d", guess.protocol ? guess.protocol
                                   : "tcp", guess.port)
            : xstrdup(guess.protocol));
}
