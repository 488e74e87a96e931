/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's options: one table, from which the parser and the help texts are
 * generated. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/option-values.h"
#include "controller/ctl/other-tools.h"
#include "controller/ctl/output-table.h"
#include "controller/schema/event-kinds.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "util.h"

/* Where help on an option is, and how wide lines of help are. */
#define HELP_COLUMN 28
#define HELP_WIDTH 79

/* The member that a row sets. */
#define MEMBER(NAME) offsetof(struct ctl, NAME)

/* Of several rows with one name, a command has at most one. */
static const struct option_row option_rows[] = {
    { 'o', "output", "FORMAT",
      CTL_OPT_OUTPUT, option_set_output, MEMBER(output),
      "table (the default, with long cells cut), wide, json, yaml, name, or "
      "custom-columns=HEADING:PATH,..." },
    { 0, "sort-by", "PATH",
      CTL_OPT_OUTPUT, option_set_path, MEMBER(sort_by),
      "sort by the value there: .status.host, .spec.labels.role" },
    { 0, "no-headers", NULL,
      CTL_OPT_OUTPUT, option_set_true, MEMBER(no_headers),
      "leave the headings of tables out" },
    { 'o', "output", "FORMAT",
      CTL_OPT_SHOWN, option_set_shown, MEMBER(output),
      "table (the default), json or yaml" },
    { 'o', "output", "FORMAT",
      CTL_OPT_DRY_RUN | CTL_OPT_PLAN, option_set_shown, MEMBER(output),
      "of the plan: table (the default), json or yaml" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_SELECTOR, option_set_text, MEMBER(selector),
      "only objects with these labels: role=web,env!=dev" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_ALLOW, option_set_text, MEMBER(selector),
      "ports with these labels, now and later: role=web" },
    { 0, "name", "NAME",
      CTL_OPT_ALLOW, option_set_text, MEMBER(name),
      "name of the quarantine (default: after the port or selector)" },
    { 0, "allow", "SERVICE",
      CTL_OPT_ALLOW, option_add_text, MEMBER(allow),
      "allow this: tcp/22, udp/53-60, icmp, or a service; repeatable" },
    { 0, "allow-group", "GROUP",
      CTL_OPT_ALLOW, option_add_text, MEMBER(allow_groups),
      "allow the ports and addresses of this group; repeatable" },
    { 0, "allow-empty", NULL,
      CTL_OPT_ALLOW, option_set_true, MEMBER(allow_empty),
      "accept a --selector that matches no port yet" },
    { 0, "limit", "N",
      CTL_OPT_LIMIT, option_set_count, MEMBER(limit),
      "show at most N" },
    { 'f', "file", "PATH",
      CTL_OPT_FILE, option_add_text, MEMBER(files),
      "a file, a folder, or - for standard input; repeatable" },
    { 'R', "recursive", NULL,
      CTL_OPT_FILE, option_set_true, MEMBER(recursive),
      "read subfolders too" },
    { 'p', "patch", "PATCH",
      CTL_OPT_PATCH, option_set_text, MEMBER(patch),
      "the patch, as YAML or JSON: {spec: {description: new}}" },
    { 0, "patch-file", "PATH",
      CTL_OPT_PATCH, option_set_text, MEMBER(patch_file),
      "a file with the patch, or - for standard input" },
    { 0, "prune", "SET",
      CTL_OPT_PRUNE, option_set_text, MEMBER(prune),
      "the set of the objects; delete others that were in it" },
    { 0, "wait", NULL,
      CTL_OPT_WAIT, option_set_true, MEMBER(wait),
      "wait until every host concerned has installed it: quarantine, release "
      "and promote do by default" },
    { 0, "no-wait", NULL,
      CTL_OPT_WAIT, option_set_no_wait, MEMBER(wait),
      "do not wait until it is installed: all other commands do not" },
    { 0, "timeout", "TIME",
      CTL_OPT_WAIT, option_set_timeout, MEMBER(timeout_ms),
      "how long to wait: 500ms, 2m; at most 5m (default: 10s; until something "
      "is drained, 10m)" },
    { 0, "timeout", "TIME",
      CTL_OPT_AWAIT, option_set_long_timeout, MEMBER(timeout_ms),
      "how long to wait: 500ms, 2m, 2h; at most 5m, until something is "
      "drained 24h (default: 10s; 10m)" },
    { 0, "for", "WHAT",
      CTL_OPT_AWAIT, option_set_awaited, MEMBER(drained),
      "installed (the default): all hosts concerned have it; drained: "
      "backends of a balancer are" },
    { 0, "backend", "PORT",
      CTL_OPT_AWAIT, option_add_text, MEMBER(backends),
      "with --for drained: this backend, instead of all that are to drain; "
      "repeatable" },
    { 0, "cascade", NULL,
      CTL_OPT_CASCADE, option_set_true, MEMBER(cascade),
      "also remove it from objects that refer to it" },
    { 0, "dry-run", NULL,
      CTL_OPT_DRY_RUN | CTL_OPT_TRY, option_set_true, MEMBER(dry_run),
      "only show what would change, down to the flows" },
    { 0, "draft", "DRAFT",
      CTL_OPT_DRAFT, option_set_text, MEMBER(draft),
      "put it into this draft, which is made if it is not there, and change "
      "nothing (vmnctl draft)" },
    { 0, "draft", "DRAFT",
      CTL_OPT_ROLLBACK, option_set_text, MEMBER(draft),
      "the draft's name (default: rollback-REVISION)" },
    { 0, "apply", NULL,
      CTL_OPT_ROLLBACK, option_set_true, MEMBER(apply),
      "apply the draft once its plan is shown" },
    { 0, "etag", "ETAG",
      CTL_OPT_ETAG, option_set_text, MEMBER(etag),
      "with apply: only the draft that `draft plan` has shown with this ETag" },
    { 0, "refuse-loosening", NULL,
      CTL_OPT_WAIT | CTL_OPT_RESTORE, option_set_true,
      MEMBER(refuse_loosening),
      "refuse the change if it opens what was closed: a policy, isolation, a "
      "quarantine, or a connection that was denied" },
    { 'm', "comment", "TEXT",
      CTL_OPT_WAIT | CTL_OPT_TOKEN | CTL_OPT_RESTORE,
      option_set_comment, MEMBER(comment),
      "why, for the log of changes; at most 512 bytes" },
    { 0, "diff", NULL,
      CTL_OPT_FLOWS, option_set_true, MEMBER(diff),
      "read the host's switch, and show what differs" },
    { 0, "diff", NULL,
      CTL_OPT_CONTENTS, option_set_true, MEMBER(diff),
      "show the changed fields of all objects" },
    { 0, "force", NULL,
      CTL_OPT_FORCE, option_set_true, MEMBER(force),
      "also undo it for objects that have changed since" },
    { 0, "force", NULL,
      CTL_OPT_REPLACE, option_set_true, MEMBER(force),
      "replace FILE if it is there" },
    { 'y', "yes", NULL,
      CTL_OPT_YES, option_set_true, MEMBER(yes),
      "do not ask, if changes since the backup are lost" },
    { 0, "with-revoked", NULL,
      CTL_OPT_RESTORE, option_set_true, MEMBER(with_revoked),
      "also revive tokens and rights that were revoked since" },
    { 0, "map-hosts", "FILE",
      CTL_OPT_RESTORE, option_set_text, MEMBER(map_hosts),
      "hosts of the backup whose place others take, and where these are" },
    { 0, "repair", NULL,
      CTL_OPT_FLOWS, option_set_true, MEMBER(repair),
      "with --diff: repair all differences" },
    { 0, "app", "APP",
      CTL_OPT_FLOWS | CTL_OPT_DROPS, option_set_text, MEMBER(app),
      "only flows of this app" },
    { 0, "stage", "STAGE",
      CTL_OPT_FLOWS, option_set_text, MEMBER(stage),
      "only flows in this stage's tables: acl, or firewall.acl" },
    { 0, "table", "N",
      CTL_OPT_FLOWS, option_set_text, MEMBER(table),
      "only flows in this table" },
    { 0, "object", "NAME",
      CTL_OPT_FLOWS, option_set_text, MEMBER(object),
      "only flows of this object: a port, a policy and so on" },
    { 0, "host", "HOST",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_EVENTS, option_set_text,
      MEMBER(host),
      "only on this host" },
    { 0, "host", "HOST",
      CTL_OPT_GET, option_set_text, MEMBER(host),
      "only ports on this host" },
    { 0, "network", "NETWORK",
      CTL_OPT_GET, option_set_text, MEMBER(network),
      "only ports in this network" },
    { 0, "network", "NETWORK",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_REACH | CTL_OPT_NETWORK
      | CTL_OPT_EVENTS,
      option_set_text, MEMBER(network),
      "only in this network" },
    { 0, "port", "PORT",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_EVENTS, option_set_text,
      MEMBER(port),
      "only of this port" },
    { 0, "reason", "TEXT",
      CTL_OPT_DROPS, option_set_text, MEMBER(reason),
      "only for this reason" },
    { 0, "policy", "POLICY",
      CTL_OPT_LOGS | CTL_OPT_EVENTS, option_set_text, MEMBER(policy),
      "only of this policy" },
    { 0, "loadbalancer", "NAME",
      CTL_OPT_EVENTS, option_set_text, MEMBER(loadbalancer),
      "only of this load balancer" },
    { 0, "since", "WHEN",
      CTL_OPT_EVENTS, option_set_since_or_revision, MEMBER(since),
      "past events from: 30m, 2h, 1d, \"2 hours ago\", today, yesterday, "
      "2027-01-31, "
      "2027-01-31T12:00:00Z, or a revision" },
    { 0, "since", "TIME",
      CTL_OPT_DROPS | CTL_OPT_LOGS, option_set_since, MEMBER(since),
      "only what is not older: 30m, 2h, 1d, today, yesterday, "
      "2027-01-31, 2027-01-31T12:00:00Z; in UTC" },
    { 0, "limit", "N",
      CTL_OPT_EVENTS, option_set_count, MEMBER(limit),
      "the newest N past events" },
    { 0, "follow", NULL,
      CTL_OPT_EVENTS, option_set_true, MEMBER(follow),
      "after past events, go on with new ones" },
    { 0, "follow", NULL,
      CTL_OPT_DROPS | CTL_OPT_LOGS, option_set_true, MEMBER(follow),
      "go on with packets as they come" },
    { 0, "all", NULL,
      CTL_OPT_DROPS | CTL_OPT_EVENTS, option_set_true, MEMBER(all),
      "also background: what is dropped in normal operation" },
    { 'w', "watch", NULL,
      CTL_OPT_GET, option_set_true, MEMBER(watch),
      "then show changes as they happen" },
    { 0, "kinds", "KINDS",
      CTL_OPT_EVENTS, option_set_text, MEMBER(kinds),
      "only these: " EVENT_KINDS_BY_COMMAS },
    { 0, "type", "TYPE",
      CTL_OPT_EVENTS, option_set_text, MEMBER(type),
      "of revisions, only those that changed objects of this type; bindings: "
      "where ports are" },
    { 0, "type", "TYPE",
      CTL_OPT_REVISIONS, option_set_text, MEMBER(type),
      "only those that changed objects of this type; bindings: where ports "
      "are" },
    { 0, "name", "NAME",
      CTL_OPT_REVISIONS, option_set_text, MEMBER(name),
      "with --type: only those that changed this object" },
    { 0, "who", "WHO",
      CTL_OPT_REVISIONS, option_set_text, MEMBER(who),
      "only those by this author: account:NAME, unix:uid=0" },
    { 0, "users", NULL,
      CTL_OPT_REVISIONS, option_set_true, MEMBER(users),
      "only those by users: not by hosts, probes and vmnd" },
    { 0, "since", "TIME",
      CTL_OPT_REVISIONS, option_set_since, MEMBER(since),
      "only those that are not older: 30m, 2h, 1d, today, yesterday, "
      "2027-01-31, 2027-01-31T12:00:00Z; in UTC" },
    { 0, "once", NULL,
      CTL_OPT_ONCE, option_set_true, MEMBER(once),
      "show it once, and do not clear the screen" },
    { 0, "interval", "TIME",
      CTL_OPT_ONCE | CTL_OPT_DROPS | CTL_OPT_LOGS,
      option_set_time, MEMBER(interval_ms),
      "how often to refresh: 500ms, 2s (the default), 1m" },
    { 0, "database", "PATH",
      CTL_OPT_DATABASE, option_set_text, MEMBER(database),
      "vmnd's database file (vmnd --state)" },
    { 0, "after", "PATH",
      CTL_OPT_AFTER, option_add_text, MEMBER(after),
      "as if the objects in this file were applied; repeatable" },
    { 0, "reply", NULL,
      CTL_OPT_REPLY, option_set_true, MEMBER(reply),
      "also trace the reply" },
    { 'v', "verbose", NULL,
      CTL_OPT_REPLY, option_set_true, MEMBER(verbose),
      "every stage that does something, not only what decides" },
    { 0, "source-ip", "ADDRESS",
      CTL_OPT_REPLY, option_set_text, MEMBER(source_ip),
      "of the packet: if not the port's; of outside, if not its gateway's" },
    { 0, "network", "NETWORK",
      CTL_OPT_REPLY, option_set_text, MEMBER(network),
      "the provider network of outside, if there are several" },
    { 0, "size", "BYTES",
      CTL_OPT_REPLY, option_set_count, MEMBER(size),
      "size of the packet, from its IP header on" },
    { 0, "dscp", "NUMBER",
      CTL_OPT_REPLY, option_set_count, MEMBER(dscp),
      "DSCP of the packet, 1 to 63; 0 without it" },
    { 0, "payload", "TEXT",
      CTL_OPT_REPLY, option_set_text, MEMBER(payload),
      "what a UDP datagram, or a TCP connection, carries, for an app that "
      "answers it" },
    { 0, "live", NULL,
      CTL_OPT_REPLY, option_set_true, MEMBER(live),
      "send the packet, and compare what becomes of it with the prediction" },
    { 0, "deliver", NULL,
      CTL_OPT_REPLY, option_set_true, MEMBER(deliver),
      "with --live: the guest that the packet is for gets it" },
    { 0, "by", "WHAT",
      CTL_OPT_REACH, option_set_by, MEMBER(by_port),
      "group (the default), or port" },
    { 0, "by", "WHAT",
      CTL_OPT_TRAFFIC, option_set_text, MEMBER(group_by),
      "of traffic: port (the default), network, host, group, or label=KEY" },
    { 0, "sort", "WHAT",
      CTL_OPT_TRAFFIC, option_set_text, MEMBER(sort),
      "of traffic: bytes (the default), packets, or cross_host_bytes" },
    { 0, "network", "NETWORK",
      CTL_OPT_TRAFFIC, option_set_text, MEMBER(network),
      "of traffic: pairs with an end in this network" },
    { 0, "port", "PORT",
      CTL_OPT_TRAFFIC, option_set_text, MEMBER(port),
      "of traffic: pairs with this port" },
    { 0, "since", "TIME",
      CTL_OPT_TRAFFIC, option_set_since, MEMBER(since),
      "of traffic: what was counted since then: 30m, 2h, today, "
      "2027-01-31T12:00:00Z; in UTC" },
    { 0, "capacity", "N",
      CTL_OPT_ADVICE, option_set_text, MEMBER(capacity),
      "VMs that a host may have (default: as many as the one with most has)" },
    { 0, "capacity-label", "KEY",
      CTL_OPT_ADVICE, option_set_text, MEMBER(capacity_label),
      "the hosts' label that says so, where there is one" },
    { 0, "apart", "KEYS",
      CTL_OPT_ADVICE, option_set_text, MEMBER(apart),
      "labels: ports with the same value of one are to be on different "
      "hosts: app,tier" },
    { 0, "together", "KEY",
      CTL_OPT_ADVICE, option_set_text, MEMBER(together),
      "a label: ports on one host with the same value are one VM" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_ADVICE, option_set_text, MEMBER(selector),
      "move only ports with these labels: role=web" },
    { 0, "host-selector", "SELECTOR",
      CTL_OPT_ADVICE, option_set_text, MEMBER(host_selector),
      "move only to hosts with these labels: rack=7" },
    { 0, "move-pinned", NULL,
      CTL_OPT_ADVICE, option_set_true, MEMBER(move_pinned),
      "move also those whose ports say their `host`" },
    { 0, "move-cost", "BYTES",
      CTL_OPT_ADVICE, option_set_text, MEMBER(move_cost),
      "what each move has to save, on average, of what was counted" },
    { 0, "max-moves", "N",
      CTL_OPT_ADVICE, option_set_text, MEMBER(max_moves),
      "moves at most (default: 100)" },
    { 0, "since", "TIME",
      CTL_OPT_ADVICE, option_set_since, MEMBER(since),
      "go by what was counted since then: 30m, 2h, today, "
      "2027-01-31T12:00:00Z; in UTC" },
    { 0, "from", "WHO",
      CTL_OPT_REACH, option_set_text, MEMBER(from),
      "with --to: outside (the default), an address or prefix there, "
      "port/NAME, or group/NAME" },
    { 0, "to", "WHO",
      CTL_OPT_REACH, option_set_text, MEMBER(to),
      "in place of SERVICE: list all by which port/NAME, lb/NAME, "
      "floating-ip/NAME or an address is reached" },
    { 0, "network", "NETWORK",
      CTL_OPT_RECOMMEND, option_set_text, MEMBER(network),
      "the network that policies are for" },
    { 0, "for", "TIME",
      CTL_OPT_RECOMMEND, option_set_for, MEMBER(for_s),
      "observe connections for that time first: 90s, 10m, 8h" },
    { 'w', "write", "FILE",
      CTL_OPT_CAPTURE, option_set_text, MEMBER(write_file),
      "where packets go, as pcapng; -: standard output" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_CAPTURE, option_set_text, MEMBER(selector),
      "of ports with these labels: role=web" },
    { 0, "group", "GROUP",
      CTL_OPT_CAPTURE, option_add_text, MEMBER(groups),
      "of the ports of this group; repeatable" },
    { 0, "network", "NETWORK",
      CTL_OPT_CAPTURE, option_set_text, MEMBER(network),
      "of all ports of this network; of --selector and --group, of those in "
      "it" },
    { 0, "policy", "POLICY",
      CTL_OPT_CAPTURE, option_set_text, MEMBER(policy),
      "of what rules of this policy decide, of ports that it applies to; "
      "dropped packets, too" },
    { 0, "rule", "N",
      CTL_OPT_CAPTURE, option_add_text, MEMBER(rules),
      "of --policy, of this rule alone, counted from 0; repeatable" },
    { 0, "direction", "DIRECTION",
      CTL_OPT_CAPTURE, option_set_text, MEMBER(direction),
      "egress: what VMs send; ingress: what they get; both (the default)" },
    { 0, "filter", "FILTER",
      CTL_OPT_CAPTURE, option_add_text, MEMBER(filters),
      "only what this matches: tcp/443, 10.0.0.0/24, \"udp/53 10.0.0.9\"; "
      "repeatable, for more" },
    { 0, "count", "N",
      CTL_OPT_CAPTURE, option_set_count, MEMBER(count),
      "end after N packets (default: 10000; at most 1000000)" },
    { 0, "for", "TIME",
      CTL_OPT_CAPTURE, option_set_for, MEMBER(for_s),
      "end after that time: 30s, 10m (default: 60s; at most 1h)" },
    { 0, "max-size", "N",
      CTL_OPT_CAPTURE, option_set_count, MEMBER(size),
      "of longer packets the first N bytes, from 64 (default: all)" },
    { 0, "max-pps", "N",
      CTL_OPT_CAPTURE, option_set_count, MEMBER(rate),
      "from each host at most N a second (default: 1000; at most 2000)" },
    { 0, "labels", "KEYS",
      CTL_OPT_RECOMMEND, option_set_text, MEMBER(labels),
      "use only labels with these keys: app,tier" },
    { 0, "exact", NULL,
      CTL_OPT_RECOMMEND, option_set_true, MEMBER(exact),
      "allow only what was seen, port by port" },
    { 0, "enforce", NULL,
      CTL_OPT_RECOMMEND, option_set_true, MEMBER(enforce),
      "make policies that enforce, not shadow policies" },
    { 'o', "output", "FORMAT",
      CTL_OPT_RECOMMEND, option_set_raw, MEMBER(output),
      "json or yaml: the full result, instead of a file to apply" },
    { 0, "no-objects", NULL,
      CTL_OPT_SUPPORT, option_set_true, MEMBER(no_objects),
      "leave out all objects but hosts" },
    { 0, "unixctl", "PATH",
      CTL_OPT_SUPPORT, option_set_text, MEMBER(unixctl),
      "vmnd's own socket (vmnd --unixctl), if not the usual one" },
    { 0, "account", "ACCOUNT",
      CTL_OPT_TOKEN | CTL_OPT_CLUSTER, option_set_text, MEMBER(account),
      "the account of the token" },
    { 0, "expires", "TIME",
      CTL_OPT_TOKEN, option_set_text, MEMBER(expires),
      "when it expires: 12h, 90d, 2027-01-31T12:00:00Z" },
    { 0, "out", "FILE",
      CTL_OPT_TOKEN, option_set_text, MEMBER(out_file),
      "write it to this new file, which only you may read" },
    { 0, "activate", NULL,
      CTL_OPT_MIGRATE, option_set_true, MEMBER(activate),
      "its VM runs on the new host now" },
    { 0, "cancel", NULL,
      CTL_OPT_MIGRATE, option_set_true, MEMBER(cancel),
      "it does not migrate" },
    { 0, "finish", NULL,
      CTL_OPT_MIGRATE, option_set_true, MEMBER(finish),
      "it has migrated, and belongs where it is" },
    { 0, "address", "ADDRESS[:PORT]",
      CTL_OPT_JOIN, option_set_text, MEMBER(address),
      "vmnd's address, to which the host connects (port 6640; default: "
      "those of a cluster's members)" },
    { 0, "plain", NULL,
      CTL_OPT_JOIN | CTL_OPT_CLUSTER, option_set_true, MEMBER(plain),
      "without TLS" },
    { 0, "name", "NAME",
      CTL_OPT_CLUSTER, option_set_text, MEMBER(name),
      "the new member's (default: its machine's host name)" },
    { 0, "address", "ADDRESS[:PORT]",
      CTL_OPT_CLUSTER, option_set_text, MEMBER(address),
      "of the server of the cluster's database: on this machine for init, on "
      "a member's for join-command (port 6643)" },
    { 0, "pki", "DIR",
      CTL_OPT_CLUSTER, option_set_text, MEMBER(pki),
      "for init: where the member's certificate is (default: /etc/vmn)" },
    { 's', "server", "SERVER[,SERVER...]",
      CTL_OPT_GLOBAL, option_set_text, MEMBER(server),
      "unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT; of a cluster, several "
      "members" },
    { 0, "token-file", "FILE",
      CTL_OPT_GLOBAL, option_set_text, MEMBER(token_file),
      "file whose first line is the token for tcp: and ssl:" },
    { 0, "ca-cert", "FILE",
      CTL_OPT_GLOBAL, option_set_text, MEMBER(ca_cert),
      "the CA that must have signed an ssl: server's certificate" },
    { 0, "certificate", "FILE",
      CTL_OPT_GLOBAL, option_set_text, MEMBER(certificate),
      "client certificate for an ssl: server, instead of a token" },
    { 0, "private-key", "FILE",
      CTL_OPT_GLOBAL, option_set_text, MEMBER(private_key),
      "private key of that certificate" },
    { 'h', "help", NULL,
      CTL_OPT_GLOBAL, option_set_true, MEMBER(help),
      "help on vmnctl or a command" },
};

enum ctl_exit
ctl_usage(struct ctl *ctl, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    ctl_printf_safely(ctl->err, "vmnctl: %s\n", text);
    free(text);
    return CTL_USAGE;
}

/* Prints 'help', which begins in 'column', and a newline.  What would not fit
 * into HELP_WIDTH columns goes on in further lines, at HELP_COLUMN; they are
 * divided at blanks and behind commas. */
static void
print_wrapped(FILE *file, const char *help, int column)
{
    while (*help) {
        bool is_apart = *help == ' ';
        const char *word = help + is_apart;
        size_t len = strcspn(word, " ,");

        len += word[len] == ',';
        if (column + is_apart + (int) len > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
            is_apart = false;
        }
        column += fprintf(file, "%s%.*s", is_apart ? " " : "", (int) len,
                          word);
        help = word + len;
    }
    putc('\n', file);
}

void
ctl_options_help(FILE *file, uint64_t options)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char *names;
        int column;

        if (!(row->options & options)) {
            continue;
        }
        names = (row->letter
                 ? xasprintf("-%c, --%s", row->letter, row->name)
                 : xasprintf("    --%s", row->name));
        column = fprintf(file, "  %s %-*s ", names,
                         MAX(0, 24 - (int) strlen(names)),
                         row->arg ? row->arg : "");
        print_wrapped(file, row->help, column);
        free(names);
    }
}

/* Returns the values that an option accepts, separated by spaces; NULL if they
 * cannot be listed. */
static const char *
values_of(const struct option_row *row)
{
    return (row->set == option_set_output
            ? "table wide json yaml name custom-columns="
            : row->set == option_set_shown ? "table json yaml"
            : row->set == option_set_raw ? "json yaml"
            : row->set == option_set_by ? "group port"
            : row->set == option_set_awaited ? "installed drained"
            : !strcmp(row->name, "kinds") ? EVENT_KINDS_BY_SPACES : NULL);
}

bool
ctl_option_at(size_t i, uint64_t options, struct ctl_option_info *info)
{
    for (size_t row = 0; row < ARRAY_SIZE(option_rows); row++) {
        const struct option_row *r = &option_rows[row];

        if (r->options & options && !i--) {
            *info = (struct ctl_option_info) {
                r->letter, r->name, r->arg, values_of(r), r->help
            };
            return true;
        }
    }
    return false;
}

/* Parsing.  -------------------------------------------------------------- */

/* The values of getopt for long options are LONG_BASE and their row; those of
 * short options are their letters, which are lower. */
#define LONG_BASE 256

/* Fills in getopt's descriptions of the rows that 'options' includes.  The
 * arrays have room for all rows. */
static void
make_getopt(uint64_t options, bool stop_at_argument, char *shorts,
            struct option *longs)
{
    if (stop_at_argument) {
        *shorts++ = '+';
    }
    *shorts++ = ':';
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];

        if (row->options & options) {
            *longs++ = (struct option) {
                row->name, row->arg ? required_argument : no_argument, NULL,
                LONG_BASE + (int) i
            };
            if (row->letter) {
                *shorts++ = row->letter;
                if (row->arg) {
                    *shorts++ = ':';
                }
            }
        }
    }
    *shorts = '\0';
    memset(longs, 0, sizeof *longs);
}

/* Returns the row of getopt's value 'value'. */
static const struct option_row *
find_row(uint64_t options, int value)
{
    if (value >= LONG_BASE) {
        return &option_rows[value - LONG_BASE];
    }
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];

        if (row->letter == value && row->options & options) {
            return row;
        }
    }
    OVS_NOT_REACHED();
}

/* Returns the word of 'argv' by which the long option was given that getopt
 * has just read. */
static const char *
given_word(char *const argv[])
{
    /* An argument that is a word of its own comes behind the option. */
    return argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
}

/* Returns whether the long option 'word' is the whole name of 'row'.  getopt
 * takes the beginning of a name as well, so that an option that a command does
 * not have, such as --to, would be one that it has, such as --token-file. */
static bool
is_whole_name(const char *word, const struct option_row *row)
{
    return strcspn(word, "=") == strlen("--") + strlen(row->name);
}

static const char *
option_candidate(const void *options, size_t i)
{
    struct ctl_option_info info;

    return (ctl_option_at(i, *(const uint64_t *) options, &info) ? info.name
            : NULL);
}

/* Prints an error about option 'word', and the one of the command's that is
 * probably meant, if 'guesses' says so. */
static bool
no_such_option(struct ctl *ctl, const struct ctl_command *command,
               const char *word, const char *why, bool guesses)
{
    uint64_t options = CTL_OPT_GLOBAL | (command ? command->options : 0);
    char *name = xmemdup0(word, strcspn(word, "="));
    const char *instead = guesses ? ctl_other_option(command, word) : NULL;
    const char *guess = (guesses && !instead && !strncmp(name, "--", 2)
                         ? schema_suggest(name + 2, option_candidate,
                                          &options) : NULL);

    ctl_usage(ctl, "%s: %s%s%s%s%s%s%s%s (see vmnctl %s%s--help)", word, why,
              command ? " for " : "", command ? command->name : "",
              guess ? "; did you mean \"--" : "", guess ? guess : "",
              guess ? "\"?" : "", instead ? ": " : "",
              instead ? instead : "", command ? command->name : "",
              command ? " " : "");
    free(name);
    return false;
}

/* Prints that an option was given a value, which takes none. */
static bool
no_value(struct ctl *ctl, const struct option_row *row)
{
    ctl_usage(ctl, "--%s: this option takes no value%s", row->name,
              strcmp(row->name, "wait") ? ""
              : "; --timeout TIME is how long to wait");
    return false;
}

bool
ctl_options_parse(struct ctl *ctl, const struct ctl_command *command,
                  int argc, char *argv[], int *first)
{
    struct option longs[ARRAY_SIZE(option_rows) + 1];
    char shorts[2 * ARRAY_SIZE(option_rows) + 3];
    uint64_t options = CTL_OPT_GLOBAL | (command ? command->options : 0);
    int value;

    make_getopt(options, !command, shorts, longs);
    opterr = 0;
    optind = 0;                 /* Resets getopt, including glibc's internal
                                 * state. */
    while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (value == '?' && optopt >= LONG_BASE) {
            return no_value(ctl, &option_rows[optopt - LONG_BASE]);
        }
        if (value == '?' && optopt) {
            char word[] = { '-', (char) optopt, '\0' };

            return no_such_option(ctl, command, word, "no such option", true);
        }
        if (value == '?' || value == ':') {
            return no_such_option(ctl, command, argv[optind - 1],
                                  value == ':'
                                  ? "this option needs an argument"
                                  : "no such option", value == '?');
        }

        const struct option_row *row = find_row(options, value);

        if (value >= LONG_BASE && !is_whole_name(given_word(argv), row)) {
            return no_such_option(ctl, command, given_word(argv),
                                  "no such option", true);
        }
        if (!row->set(ctl, row, optarg)) {
            return false;
        }
    }
    if (ctl->timeout_given && !ctl->wait && !ctl->help) {
        ctl_usage(ctl, "--timeout is how long to wait: %s",
                  command->options & CTL_OPT_WAITS
                  ? "it cannot be combined with "
                    "--no-wait" : "give --wait too");
        return false;
    }
    *first = optind;
    return true;
}
