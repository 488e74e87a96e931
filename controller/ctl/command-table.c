/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's commands: one row each. */

#include <config.h>

#include "controller/ctl/ctl.h"

const struct ctl_command ctl_commands[] = {
    { "get", "TYPE[,TYPE...] [NAME...]", 1, -1,
      CTL_OPT_OUTPUT | CTL_OPT_SELECTOR | CTL_OPT_LIMIT | CTL_OPT_GET,
      "show objects",
      "TYPE is hosts, networks, ports, groups, services, tiers, policies,\n"
      "quarantines, loadbalancers, routers, floating-ips, dns-zones, observations,\n"
      "accounts, tokens, quotas, telemetries or apps;\n"
      "singular and short names (net, svc, pol, lb) do as well, and `all` is all\n"
      "of them.  Without NAME, all objects of the type.  Objects of several types\n"
      "are named TYPE/NAME, and so are they in the output then.  With --watch, also\n"
      "each that is different from then on, until it is interrupted.\n"
      "A PATH leads to a value of an object (vmnctl explain TYPE): .name,\n"
      ".spec.labels.role, .status.ips[0], .spec.rules[*].action.  With --sort-by,\n"
      "--limit is about what is sorted.\n"
      "\nExample:\n"
      "  vmnctl get ports -l tier=web\n"
      "  vmnctl get networks,routers\n"
      "  vmnctl get network/shop port/web-1 -o yaml\n"
      "  vmnctl get ports --host hv1 --sort-by .status.state\n"
      "  vmnctl get ports -o custom-columns=VM:.name,IP:.status.ips[0]\n"
      "  vmnctl get net shop -o yaml >shop.yaml\n"
      "  vmnctl get ports -l tier=web --watch\n",
      ctl_cmd_get },
    { "describe", "TYPE NAME", 1, 2, 0,
      "show all there is about one object",
      "Shows what was asked for (spec) and what is observed (status), and below\n"
      "it what concerns the object: of a port its groups and the rules that apply\n"
      "to it, in the order in which they are met; of a host its networks and ports;\n"
      "of a network its subnets, ports by host, routers, balancers and policies; of a\n"
      "balancer its backends, of a group who names it, of a policy its rules and what\n"
      "they were hit by.  Then its flows by host and app, its last changes and\n"
      "which hosts have them, and what was dropped lately.\n"
      "\nExample:\n"
      "  vmnctl describe port web-1\n",
      ctl_cmd_describe },
    { "explain", "[TYPE[.FIELD]...]", 0, 1, 0,
      "show what a type or a field is",
      "What it is, what stands for it when it is absent, and its bounds; of a\n"
      "type all fields of its spec and status, and examples.  FIELD may lead\n"
      "further in, and into the status.  Asks no server.\n"
      "\nExample:\n"
      "  vmnctl explain ports\n"
      "  vmnctl explain policy.rules.peers\n"
      "  vmnctl explain host.status.lag\n",
      ctl_cmd_explain },
    { "apply", "-f PATH", 0, 0,
      CTL_OPT_FILE | CTL_OPT_PRUNE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "create or change objects from files, as one transaction",
      "All objects in all files become so, or, if one of them is refused,\n"
      "nothing changes.  Applying the same again changes nothing.  Files are\n"
      "YAML or JSON, with one object or many:\n"
      "  type: networks\n"
      "  name: shop\n"
      "  spec:\n"
      "    subnets: [{cidr: 10.1.0.0/24}]\n"
      "A body of POST /v1/apply, {\"objects\": [...]}, will do as well.\n"
      "With --prune SET the objects are remembered as SET, and objects that\n"
      "SET had before and has no longer are deleted (vmnctl sets lists them).\n"
      "\nExample:\n"
      "  vmnctl apply -f shop.yaml --wait\n"
      "  vmnctl apply -f tenants/shop/ --prune shop\n"
      "  vmnctl apply -f tenants/ -R\n"
      "  vmnctl apply -f shop.yaml --dry-run\n"
      "  generate-policies | vmnctl apply -f -\n",
      ctl_cmd_apply },
    { "diff", "-f PATH", 0, 0, CTL_OPT_FILE | CTL_OPT_PRUNE | CTL_OPT_PLAN,
      "show what apply would change, down to the flows",
      "The same as `vmnctl apply --dry-run`: the objects that would be made,\n"
      "changed or deleted, the fields of each that would differ, the flows by\n"
      "app and by host, and flows that would contradict each other, with a\n"
      "packet that shows it.\n"
      "Exit status 1 if something would change, 2 if it would be refused.\n"
      "\nExample:\n"
      "  vmnctl diff -f tenants/shop/ --prune shop\n",
      ctl_cmd_diff },
    { "edit", "TYPE NAME", 1, 2, CTL_OPT_WAIT,
      "change an object in an editor",
      "Opens the object as YAML in the editor that the environment names\n"
      "(VMNCTL_EDITOR, VISUAL or EDITOR; else vi), and puts what was written in its\n"
      "place, unless somebody else has changed it meanwhile.  If it is refused,\n"
      "the file opens again with the reasons on top.  To give up, close it\n"
      "without a change: where what was written is, is told.\n"
      "\nExample:\n"
      "  vmnctl edit policy db-in --wait\n",
      ctl_cmd_edit },
    { "delete", "TYPE NAME...", 1, -1,
      CTL_OPT_CASCADE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "delete objects",
      "An object that others refer to is not deleted, and they are named;\n"
      "--cascade takes it out of them, and deletes those that cannot be\n"
      "without it; all that changes is said.  Several objects are one\n"
      "transaction: all of them are deleted, or none; those of several types\n"
      "are named TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl delete port web-3 web-4 --wait\n"
      "  vmnctl delete policy/db-in group/db\n"
      "  vmnctl delete network shop --cascade --dry-run\n",
      ctl_cmd_delete },
    { "label", "TYPE NAME... KEY=VALUE|KEY-...", 2, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "set and remove labels of objects",
      "Groups and balancers follow labels by their selectors.  Several objects\n"
      "are one transaction; those of several types are named TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl label port web-3 role=web env- --wait\n",
      ctl_cmd_label },
    { "patch", "TYPE NAME...", 1, -1,
      CTL_OPT_PATCH | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "change fields of objects",
      "By a JSON merge patch (RFC 7396), as YAML or JSON: what it has takes the\n"
      "place of what was, lists as a whole, null gives the default back, and what\n"
      "it lacks stays.  Several objects are one transaction; those of several\n"
      "types are named TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl patch port web-3 -p '{\"spec\": {\"enabled\": false}}' --dry-run\n"
      "  vmnctl patch net/shop net/lab -p 'spec: {default: deny}' --wait\n"
      "  vmnctl patch policy db-in --patch-file priority.yaml\n",
      ctl_cmd_patch },
    { "drain", "LOADBALANCER BACKEND...", 2, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "take backends out of a balancer, gently",
      "BACKENDs, which are ports, get no new connections, and those that are open\n"
      "may end, for the balancer's drain_seconds at most.  A backend that the\n"
      "balancer's selector selects is listed among its `backends` meanwhile.\n"
      "Refused if somebody else changes the balancer at the same time.\n"
      "How far it is: vmnctl describe loadbalancer NAME.  It is drained when no\n"
      "client has sent it a packet for 60 s, as far as counters tell.\n"
      "\nExample:\n"
      "  vmnctl drain shop web-1 --dry-run\n"
      "  vmnctl drain shop web-1 --wait\n",
      ctl_cmd_drain },
    { "undrain", "LOADBALANCER [BACKEND...]", 1, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "have backends that drain serve again",
      "Without BACKEND, all that drain.\n"
      "\nExample:\n"
      "  vmnctl undrain shop web-1 --wait\n",
      ctl_cmd_undrain },
    { "quarantine", "[PORT...]", 0, -1,
      CTL_OPT_ALLOW | CTL_OPT_WAIT | CTL_OPT_NO_WAIT | CTL_OPT_DRY_RUN,
      "cut ports off, open connections too",
      "Makes a quarantine for each PORT, of the same name; or one for all of\n"
      "them with --name, and for what --selector selects, which is named by the\n"
      "selector if nothing else names it (role-web).  Ports in quarantine neither\n"
      "send nor get anything, but for what --allow and --allow-group let in:\n"
      "these services, from these groups; all or everyone if only the other is\n"
      "given.  What --selector selects is named; if it is nothing, that is an\n"
      "error, unless there is --allow-empty: ports with these labels may come.\n"
      "One that already exists is replaced.  Waits until the flow\n"
      "tables of all hosts concerned have it.  The caches of Open vSwitch's\n"
      "datapaths follow within milliseconds.\n"
      "\nExample:\n"
      "  vmnctl quarantine db-1\n"
      "  vmnctl quarantine web-1 --allow-group forensics --allow tcp/22\n"
      "  vmnctl quarantine --selector role=web\n",
      ctl_cmd_quarantine },
    { "release", "NAME...", 1, -1,
      CTL_OPT_WAIT | CTL_OPT_NO_WAIT | CTL_OPT_DRY_RUN,
      "end a quarantine",
      "Deletes the quarantines, which gives back what was.  A port of that name\n"
      "that is `quarantined` itself is released as well.  Waits as quarantine\n"
      "does.\n"
      "\nExample:\n"
      "  vmnctl release db-1\n",
      ctl_cmd_release },
    { "promote", "POLICY...", 1, -1, CTL_OPT_NO_WAIT | CTL_OPT_DRY_RUN,
      "have shadow policies decide",
      "Sets `mode` of the policies to `enforce`, and waits until the flow\n"
      "tables of all hosts concerned have it.  What a shadow policy would have\n"
      "decided so far is in its status (`vmnctl describe policy NAME`).\n"
      "\nExample:\n"
      "  vmnctl promote db-in\n",
      ctl_cmd_promote },
    { "policy", "recommend", 1, 1, CTL_OPT_RECOMMEND,
      "propose policies that allow what was seen",
      "From the connections that hosts have noted in a network that is observed:\n"
      "the fewest rules, by labels and groups, that allow them, as a file for\n"
      "`vmnctl apply`, with comments on what each rule is about.  With --for, the\n"
      "network is observed for so long first, and no longer; without, it must be\n"
      "observed already ({type: observations, name: NETWORK}).\n"
      "Ports of equal labels are not told apart, so a rule also allows to some\n"
      "what only others were seen to do.  That is said of each rule; --labels\n"
      "says which labels to use, and --exact tells all ports apart.\n"
      "The policies are shadows, which only count, until `vmnctl promote`.\n"
      "\nExample:\n"
      "  vmnctl policy recommend --network shop --for 10m >policy.yaml\n"
      "  vmnctl apply -f policy.yaml --wait\n",
      ctl_cmd_policy },
    { "hosts", "", 0, 0,
      CTL_OPT_OUTPUT | CTL_OPT_SELECTOR | CTL_OPT_LIMIT,
      "show the hosts and how they are",
      "The same as `vmnctl get hosts`.  A host that is \"synced\" has exactly its\n"
      "desired flows installed; REVISION is the last that it acknowledged, and\n"
      "BEHIND how many it has not, and for how long.  FLOWS is \"?\" as long as it\n"
      "has not installed what it is to hold.  OUTSTANDING are bundles\n"
      "that it has not answered yet, BACKLOG revisions that wait to be sent as\n"
      "one.  AUDITED is when its flows were last compared, and DRIFT what\n"
      "differed then (and was repaired).\n"
      "Below are those that wanted to be a host and were refused, and why.\n"
      "\nExample:\n"
      "  vmnctl hosts\n",
      ctl_cmd_hosts },
    { "host", "join-command NAME", 2, 2, CTL_OPT_JOIN,
      "show the commands that make a hypervisor a host",
      "For a host of that name, which must be an object already: where the CA is,\n"
      "what makes its certificate; and on the hypervisor, what has its database\n"
      "dial vmnd (hosts that are `inbound`) or listen (others).  With --plain,\n"
      "without TLS.  Nothing is done.\n"
      "\nExample:\n"
      "  vmnctl host join-command hv1 --address 192.0.2.1\n",
      ctl_cmd_host },
    { "token", "NAME", 1, 1, CTL_OPT_TOKEN,
      "make a token for an account",
      "Writes the token, which nobody can tell again: vmnd keeps a hash of it.\n"
      "With --out it goes to a file that only you may read, and that must not be\n"
      "there yet.  It is sent to vmnd by --token-file, which takes no file of yours\n"
      "that others may read, or VMNCTL_TOKEN.  To revoke it, delete it\n"
      "(`vmnctl delete token NAME`).\n"
      "\nExample:\n"
      "  vmnctl token shop-ci --account shop-team --expires 90d --out shop-ci.token\n",
      ctl_cmd_token },
    { "apps", "", 0, 0, CTL_OPT_OUTPUT,
      "show the apps that are loaded",
      "The same as `vmnctl get apps`: stages, units, flows, problems.\n"
      "\nExample:\n"
      "  vmnctl apps\n",
      ctl_cmd_apps },
    { "flows", "HOST", 1, 1,
      CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_FLOWS,
      "show the desired flows of a host, or what differs",
      "Each flow and group with its owner: app, unit and object (OWNER).  With\n"
      "--diff, reads the host's switch and shows the differences: items that are\n"
      "missing, altered, unknown (not desired), or rejected by the switch.  Items\n"
      "that changed since the reading began are skipped, and counted.  Changes\n"
      "nothing, unless --repair has all differences repaired, as an audit does.\n"
      "Exit status 1 if something differs (0 with --repair), 2 if the host could\n"
      "not be compared.\n"
      "\nExample:\n"
      "  vmnctl flows hv1 --app firewall --object web-1\n"
      "  vmnctl flows hv1 --diff\n"
      "  vmnctl flows hv1 --diff --repair\n",
      ctl_cmd_flows },
    { "trace", "PORT TO SERVICE", 3, 3,
      CTL_OPT_SHOWN | CTL_OPT_AFTER | CTL_OPT_REPLY,
      "show what would become of a packet, and why",
      "Follows a packet from PORT to TO (a port, a loadbalancer or an address)\n"
      "through the flows that hosts are to hold: each stage that does something,\n"
      "the unit that wants it so, what is rewritten, and where it ends.  SERVICE\n"
      "is tcp/N, udp/N, sctp/N, icmp (a ping), icmp/TYPE or icmp/TYPE/CODE; icmpv6 is\n"
      "the same by IPv6 addresses alone.  No packet is sent.\n"
      "Where a balancer chooses, each choice is an outcome of its own.  Steps that only\n"
      "lead on are left out; -o json has all.\n"
      "With --after it is as if the objects in a file had been applied.\n"
      "Exit status 0 if it is delivered whatever is chosen, 1 if not, and 2 if\n"
      "the question is refused.\n"
      "\nExample:\n"
      "  vmnctl trace web-1 db-1 tcp/5432 --reply\n"
      "  vmnctl trace web-1 db-1 tcp/5432 --after lockdown.yaml\n",
      ctl_cmd_trace },
    { "drops", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_DROPS,
      "show what was dropped, where, and why",
      "For each host, reason and owner: how many packets and bytes, and when\n"
      "the last was.  OWNER is the app, unit and object whose flow dropped\n"
      "them; OBJECT says which object, and of a policy which RULE (from 0).\n"
      "The newest first, 20 of them if --limit does not say more.  Figures are as\n"
      "old as the last reading of the host (vmnd --count-interval).\n"
      "Below, some of the packets, by name, the newest last: within a budget, so\n"
      "that a flood costs nothing.  COUNT is how often one came in a row, with\n"
      "(+N) others for the same reason that are not told.  With --follow, only\n"
      "these, as they come (with -o json a line each).\n"
      "Background is left out, but for its figures: what is dropped where all is\n"
      "well, such as reports of multicast listeners, and what a physical network\n"
      "floods for others.  --all shows it.\n"
      "--network and --port take what is dropped by flows of that object (of a\n"
      "network also by those of its ports and routers), and packets of which\n"
      "either end is it, or in it.\n"
      "\nExample:\n"
      "  vmnctl drops\n"
      "  vmnctl drops --port db-1 --follow\n"
      "  vmnctl drops --host hv1 --reason \"denied by rule\"\n",
      ctl_cmd_drops },
    { "reachability", "SERVICE", 1, 1,
      CTL_OPT_SHOWN | CTL_OPT_AFTER | CTL_OPT_REACH,
      "show who can reach whom on a service",
      "Follows packets between ports of all kinds, with their answers, through\n"
      "the flows that hosts are to hold.  SERVICE is tcp/N, udp/N, sctp/N,\n"
      "icmp (a ping) or icmpv6 (one by IPv6).  Rows are who asks, columns whom; below is why not.  Ports that no\n"
      "flow tells apart are one kind, and named by the first of them; with --by\n"
      "port all of each kind are listed.  It warns of hosts that are not heard.\n"
      "With --after, what the objects in a file would change, by ports; exit\n"
      "status 1 if it is anything.  Exit status 2 if the question is refused.\n"
      "\nExample:\n"
      "  vmnctl reachability tcp/443 --network shop\n"
      "  vmnctl reachability tcp/443 --after lockdown.yaml\n",
      ctl_cmd_reachability },
    { "logs", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_LOGS,
      "show what rules with a log decided",
      "Connections that a rule with `log: true` let open, and packets that it\n"
      "denied or rejected: who to whom, by name.  The newest last.  Of a policy\n"
      "that was a shadow then VERDICT is what it `would` have decided: it decided\n"
      "nothing.  A rule has\n"
      "a budget; COUNT is how often a packet came in a row, with (+N) others of\n"
      "the rule that are not told.\n"
      "\nExample:\n"
      "  vmnctl logs --policy db-in --follow\n",
      ctl_cmd_logs },
    { "events", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_EVENTS,
      "show what happens, as it happens, or what has happened",
      "Changes (revision), who has them (installed), states of hosts and ports\n"
      "(host, binding), packets that were dropped or logged (drop, log), what\n"
      "audits found (audit), states of backends (health), and loads that want\n"
      "other numbers of them (scale): a line each, until it is interrupted.\n"
      "With -o json also a line each.  It goes on where it was if vmnd is away\n"
      "for a while.\n"
      "With --since or --limit, what has happened, as far as vmnd keeps it (the\n"
      "newest 16,384 events since it started); it then ends, unless there is\n"
      "--follow.\n"
      "\nExample:\n"
      "  vmnctl events\n"
      "  vmnctl events --since 10m\n"
      "  vmnctl events --since 42 --kinds host,binding\n"
      "  vmnctl events --limit 20 --follow\n"
      "  vmnctl events --kinds revision,installed --network shop\n"
      "  vmnctl events --port db-1 -o json\n",
      ctl_cmd_events },
    { "identities", "", 0, 0,
      CTL_OPT_SHOWN | CTL_OPT_NETWORK | CTL_OPT_LIMIT,
      "show who ports are to policies",
      "Ports of a network, or of networks that routers join, that are in the\n"
      "same groups, and in the same quarantines, have a number in common, which\n"
      "flows match (reg1 and reg2).  Ports that are in none have no number.\n"
      "\nExample:\n"
      "  vmnctl identities --network shop\n",
      ctl_cmd_identities },
    { "sets", "[SET]", 0, 1, CTL_OPT_SHOWN,
      "show the sets of `apply --prune`",
      "How many objects each has; of SET, which.\n"
      "\nExample:\n"
      "  vmnctl sets\n"
      "  vmnctl sets shop\n",
      ctl_cmd_sets },
    { "usage", "", 0, 0, CTL_OPT_SHOWN,
      "show how much of each quota is used",
      "A line for each limit of each quota (vmnctl get quotas): what there is\n"
      "of it within the quota's scope, and how much there may be.  Of flows,\n"
      "what there is on the host where it is most.\n"
      "\nExample:\n"
      "  vmnctl usage\n",
      ctl_cmd_usage },
    { "revision", "N", 1, 1, CTL_OPT_SHOWN | CTL_OPT_CONTENTS,
      "show a revision: who, what, and which hosts have it",
      "With the fields that it changed, while they are kept, of the first ten\n"
      "objects; --diff shows those of all.\n"
      "\nExample:\n"
      "  vmnctl revision 42\n"
      "  vmnctl revision 42 --diff\n",
      ctl_cmd_revision },
    { "revisions", "", 0, 0,
      CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_REVISIONS,
      "show the log of changes",
      "Newest last; without --limit, the last 20.\n"
      "\nExample:\n"
      "  vmnctl revisions --limit 100\n"
      "  vmnctl revisions --type policies --since 2h\n",
      ctl_cmd_revisions },
    { "history", "TYPE/NAME", 1, 1, CTL_OPT_SHOWN | CTL_OPT_LIMIT,
      "show what became of an object, change by change",
      "Newest last; without --limit, the last 20.  The object need not be there\n"
      "any more.\n"
      "\nExample:\n"
      "  vmnctl history ports/web-1\n",
      ctl_cmd_history },
    { "undo", "REVISION|TYPE/NAME", 1, 1,
      CTL_OPT_FORCE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "take a change back, or the last change of an object",
      "What was created is deleted, what was deleted is made again with the\n"
      "addresses that it had, and fields that were changed are what they were:\n"
      "one transaction, whose plan is shown first.  Refused where an object has\n"
      "changed since, unless there is --force.\n"
      "\nExample:\n"
      "  vmnctl undo 42 --dry-run\n"
      "  vmnctl undo 42 --wait\n"
      "  vmnctl undo ports/web-1\n",
      ctl_cmd_undo },
    { "backup", "FILE", 1, 1, CTL_OPT_DATABASE,
      "save the whole state of vmnd as a file",
      "The file is one moment of the database: vmnd goes on meanwhile.  It is\n"
      "verified before it gets its name, and replaces what has it.\n"
      "With --database, the database is read itself: vmnd need not run.\n"
      "\nExample:\n"
      "  vmnctl backup /var/backups/vmn.db\n",
      ctl_cmd_backup },
    { "restore", "FILE", 1, 1, CTL_OPT_DATABASE,
      "put a backup in the place of vmnd's database",
      "vmnd must be stopped; the hosts go on forwarding.  The backup is\n"
      "verified first.  The database that was there is kept, under a name\n"
      "that is told.  Once vmnd is started again, the hosts are made what the\n"
      "backup says.  --database is where vmnd has its database.\n"
      "\nExample:\n"
      "  vmnctl restore /var/backups/vmn.db --database /var/lib/vmn/vmn.db\n",
      ctl_cmd_restore },
    { "support-bundle", "[FILE]", 0, 1, CTL_OPT_SUPPORT,
      "gather all that a bug report needs, in one file",
      "A .tar.gz, which only you may read: versions, status, problems, figures,\n"
      "what the last changes took, the last 1000 revisions, hosts and all other\n"
      "objects, drops, what differs on up to 20 switches, and, where vmnd's own\n"
      "socket can be reached, what ovs-appctl shows.  Tokens and what is named\n"
      "like a secret are left out.  Names, labels and addresses are in it;\n"
      "--no-objects leaves most of them out.  Its manifest.json says what is there,\n"
      "and what is not and why.  Exit status 3 if vmnd did not answer: the file is\n"
      "made of the rest then.\n"
      "\nExample:\n"
      "  vmnctl support-bundle\n"
      "  vmnctl support-bundle --no-objects report.tar.gz\n",
      ctl_cmd_support },
    { "status", "", 0, 0, CTL_OPT_SHOWN,
      "show whether all is well",
      "Exit status 1 if vmnd is not ready, a host is not synced, or flows are\n"
      "in conflict (with -o json the exit status does not tell), and 2 if that\n"
      "is refused to be told.\n"
      "\nExample:\n"
      "  vmnctl status\n",
      ctl_cmd_status },
    { "top", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_ONCE,
      "show what changes make vmnd do, as it happens",
      "Above, hosts that are not up to date, if there are any, and how often\n"
      "units and queries of each class were computed, by app:\n"
      "in the groups below, and since vmnd started.  Below, the newest groups\n"
      "of revisions: who changed what, what was computed for it, the flows\n"
      "added (+), changed (~) and removed (-), the hosts that have it of those\n"
      "concerned, and the milliseconds of each step, up to the last host's\n"
      "acknowledgement.  On a terminal it looks again every --interval, until\n"
      "it is interrupted; elsewhere, and with -o json, it looks once.  Without\n"
      "--limit, the last 20, or what fits on the terminal.\n"
      "\nExample:\n"
      "  vmnctl top\n"
      "  vmnctl top --once --limit 5\n",
      ctl_cmd_top },
    { "completion", "bash|zsh", 1, -1, 0,
      "print what a shell completes command lines with",
      "Commands, options, types, fields, names of objects, labels, services and\n"
      "revisions: for what it has, the server is asked.  It is installed with vmnctl; where the shell does not find it:\n"
      "  source <(vmnctl completion bash)\n"
      "`vmnctl completion words -- WORD...` prints what the last WORD of a command\n"
      "line may become.\n"
      "\nExample:\n"
      "  vmnctl completion zsh >~/.zfunc/_vmnctl\n",
      ctl_cmd_completion },
    { "version", "", 0, 0, 0,
      "show the versions of vmnctl and vmnd",
      "Example:\n"
      "  vmnctl version\n",
      ctl_cmd_version },
    { NULL, NULL, 0, 0, 0, NULL, NULL, NULL },
};
