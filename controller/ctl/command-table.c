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
      "quarantines, loadbalancers, routers, floating-ips, dns-zones,\n"
      "observations, drafts, accounts, tokens, quotas, telemetries or apps.\n"
      "Singular and short names (net, svc, pol, lb) are accepted too, and\n"
      "`all` is all of them.  Without NAME, shows all objects of the type.\n"
      "Objects of several types are named TYPE/NAME, in the output too.\n"
      "With --watch, goes on to show each object that changes, until it is\n"
      "interrupted.\n"
      "PATH is the path of a value in an object (see vmnctl explain TYPE):\n"
      ".name, .spec.labels.role, .status.ips[0], .spec.rules[*].action.\n"
      "With --sort-by, --limit counts the sorted objects.\n"
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
      "show everything about one object",
      "Shows the configuration (spec) and the observed state (status), and\n"
      "then what is related: of a port its groups and the rules that apply\n"
      "to it, in the order in which they are evaluated; of a host its\n"
      "networks and ports; of a network its subnets, ports by host,\n"
      "routers, balancers and policies; of a balancer its backends; of a\n"
      "group the objects that refer to it; of a policy its rules and their\n"
      "hit counts.  Then its flows by host and app, its last changes and\n"
      "which hosts have installed them, and recent drops.\n"
      "\nExample:\n"
      "  vmnctl describe port web-1\n",
      ctl_cmd_describe },
    { "explain", "[TYPE[.FIELD]...]", 0, 1, 0,
      "describe a type or a field",
      "Shows its meaning, default and bounds; of a type, all fields of its\n"
      "spec and status, and examples.  FIELD may be nested, and may be in\n"
      "the status.  Does not contact vmnd.\n"
      "\nExample:\n"
      "  vmnctl explain ports\n"
      "  vmnctl explain policy.rules.peers\n"
      "  vmnctl explain host.status.lag\n",
      ctl_cmd_explain },
    { "apply", "-f PATH", 0, 0,
      CTL_OPT_FILE | CTL_OPT_PRUNE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN
      | CTL_OPT_DRAFT,
      "create or change objects from files, as one transaction",
      "Creates or updates all objects in all files; if one of them is\n"
      "rejected, nothing changes.  Applying the same files again changes\n"
      "nothing.  Files are YAML or JSON, with one object or many:\n"
      "  type: networks\n"
      "  name: shop\n"
      "  spec:\n"
      "    subnets: [{cidr: 10.1.0.0/24}]\n"
      "A body of POST /v1/apply, {\"objects\": [...]}, is accepted too.  With\n"
      "--prune SET the objects are remembered as SET, and objects that were\n"
      "in SET before and are not in the files any more are deleted (vmnctl\n"
      "sets lists them).\n"
      "\nExample:\n"
      "  vmnctl apply -f shop.yaml --wait\n"
      "  vmnctl apply -f tenants/shop/ --prune shop\n"
      "  vmnctl apply -f tenants/ -R\n"
      "  vmnctl apply -f shop.yaml --dry-run\n"
      "  generate-policies | vmnctl apply -f -\n",
      ctl_cmd_apply },
    { "diff", "-f PATH", 0, 0, CTL_OPT_FILE | CTL_OPT_PRUNE | CTL_OPT_PLAN,
      "show what apply would change, down to the flows",
      "The same as `vmnctl apply --dry-run`: the objects that would be\n"
      "created, updated or deleted, the fields of each that would change,\n"
      "the flows by app and by host, and flows that would conflict, with an\n"
      "example packet.\n"
      "Exit status 1 if something would change, 2 if it would be rejected.\n"
      "\nExample:\n"
      "  vmnctl diff -f tenants/shop/ --prune shop\n",
      ctl_cmd_diff },
    { "edit", "TYPE NAME", 1, 2, CTL_OPT_WAIT,
      "change an object in an editor",
      "Opens the object as YAML in the editor that the environment names\n"
      "(VMNCTL_EDITOR, VISUAL or EDITOR; else vi), and replaces the object\n"
      "with the result, unless somebody else has changed it meanwhile.  If\n"
      "the result is rejected, the file is opened again with the reasons on\n"
      "top.  To give up, close it unchanged: vmnctl then prints where your\n"
      "text is kept.\n"
      "\nExample:\n"
      "  vmnctl edit policy db-in --wait\n",
      ctl_cmd_edit },
    { "delete", "TYPE NAME...", 1, -1,
      CTL_OPT_CASCADE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN | CTL_OPT_DRAFT,
      "delete objects",
      "An object that others refer to is not deleted; they are listed.\n"
      "--cascade removes it from them, and deletes those that cannot exist\n"
      "without it; all changes are listed.  Several objects are one\n"
      "transaction: all of them are deleted, or none; those of several\n"
      "types are named TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl delete port web-3 web-4 --wait\n"
      "  vmnctl delete policy/db-in group/db\n"
      "  vmnctl delete network shop --cascade --dry-run\n",
      ctl_cmd_delete },
    { "label", "TYPE NAME... KEY=VALUE|KEY-...", 2, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN | CTL_OPT_DRAFT,
      "set and remove labels of objects",
      "The selectors of groups and balancers follow labels.  Several\n"
      "objects are one transaction; those of several types are named\n"
      "TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl label port web-3 role=web env- --wait\n",
      ctl_cmd_label },
    { "patch", "TYPE NAME...", 1, -1,
      CTL_OPT_PATCH | CTL_OPT_WAIT | CTL_OPT_DRY_RUN | CTL_OPT_DRAFT,
      "change fields of objects",
      "Applies a JSON merge patch (RFC 7396), as YAML or JSON: values in\n"
      "the patch replace those of the object, lists as a whole; null\n"
      "restores the default; fields that are not in the patch stay.\n"
      "Several objects are one transaction; those of several types are\n"
      "named TYPE/NAME.\n"
      "\nExample:\n"
      "  vmnctl patch port web-3 -p '{\"spec\": {\"enabled\": false}}' --dry-run\n"
      "  vmnctl patch net/shop net/lab -p 'spec: {default: deny}' --wait\n"
      "  vmnctl patch policy db-in --patch-file priority.yaml\n",
      ctl_cmd_patch },
    { "drain", "LOADBALANCER BACKEND...", 2, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "drain backends of a balancer",
      "BACKENDs, which are ports, get no new connections; open connections\n"
      "may end, within at most the balancer's drain_seconds.  A backend\n"
      "that is selected by the balancer's selector is listed in its\n"
      "`backends` meanwhile.  Rejected if somebody else changes the\n"
      "balancer at the same time.  Progress is in vmnctl describe\n"
      "loadbalancer NAME.  A backend is drained when no client has sent it a\n"
      "packet for 60 s, according to counters.  With --wait it returns once\n"
      "all are drained, as `vmnctl wait` does, or with status 4 after\n"
      "--timeout.\n"
      "\nExample:\n"
      "  vmnctl drain shop web-1 --dry-run\n"
      "  vmnctl drain shop web-1 --wait\n"
      "  vmnctl wait lb/shop --for drained --backend web-1\n",
      ctl_cmd_drain },
    { "undrain", "LOADBALANCER [BACKEND...]", 1, -1,
      CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "have drained backends serve again",
      "Without BACKEND, all that are draining or drained.\n"
      "\nExample:\n"
      "  vmnctl undrain shop web-1 --wait\n",
      ctl_cmd_undrain },
    { "capture", "[PORT...]", 0, -1, CTL_OPT_CAPTURE,
      "capture packets of ports",
      "Writes packets that the ports, on whichever hosts, send and get as\n"
      "pcapng, for tcpdump and Wireshark, until --count or --for is reached,\n"
      "or it is interrupted; then it prints what was left out.  It makes a\n"
      "mirror for that (vmnctl explain mirrors), and deletes it; should it be\n"
      "killed, vmnd does.  The app mirrors must be loaded.  Each interface\n"
      "of the file is a port, with its host as description; outbound is what\n"
      "the VM has sent.  What VMs send is seen before services and policies,\n"
      "and what they get right before it reaches them.  With --policy it is\n"
      "what the policy's rules decide, as they see it: what is dropped, too.\n"
      "\nExample:\n"
      "  vmnctl capture web-1 -w web-1.pcapng\n"
      "  vmnctl capture web-1 --filter tcp/443 --for 30s -w - | tcpdump -r -\n"
      "  vmnctl capture -l role=db --filter 'tcp/5432 10.1.0.9' -w db.pcapng\n"
      "  vmnctl capture --policy db-in --rule 1 -w denied.pcapng\n",
      ctl_cmd_capture },
    { "quarantine", "[PORT...]", 0, -1,
      CTL_OPT_ALLOW | CTL_OPT_WAIT | CTL_OPT_WAITS | CTL_OPT_DRY_RUN,
      "isolate ports, open connections included",
      "Creates a quarantine for each PORT, with the port's name; or, with\n"
      "--name, one for all of them.  One that uses --selector is named\n"
      "after the selector if there is no other name (role-web).  Ports in\n"
      "quarantine neither send nor receive anything, except what --allow\n"
      "and --allow-group allow: these services, from these groups; all\n"
      "services, or everyone, if only one of the two is given.  The ports\n"
      "that --selector matches are listed; it is an error if there are\n"
      "none, unless --allow-empty is given, since ports with these labels\n"
      "may be created later.  An existing quarantine of that name is\n"
      "replaced.  Waits until the flow tables of all hosts concerned have\n"
      "it.  The caches of Open vSwitch's datapaths follow within\n"
      "milliseconds.\n"
      "\nExample:\n"
      "  vmnctl quarantine db-1\n"
      "  vmnctl quarantine web-1 --allow-group forensics --allow tcp/22\n"
      "  vmnctl quarantine --selector role=web\n",
      ctl_cmd_quarantine },
    { "release", "NAME...", 1, -1,
      CTL_OPT_WAIT | CTL_OPT_WAITS | CTL_OPT_DRY_RUN,
      "end a quarantine",
      "Deletes the quarantines, which restores what was allowed before.  A\n"
      "port of that name that is itself `quarantined` is released as well.\n"
      "Waits like quarantine.\n"
      "\nExample:\n"
      "  vmnctl release db-1\n",
      ctl_cmd_release },
    { "promote", "POLICY...", 1, -1,
      CTL_OPT_WAIT | CTL_OPT_WAITS | CTL_OPT_DRY_RUN,
      "enforce shadow policies",
      "Sets `mode` of the policies to `enforce`, and waits until the flow\n"
      "tables of all hosts concerned have it.  What a shadow policy would\n"
      "have decided so far is in its status (`vmnctl describe policy\n"
      "NAME`).\n"
      "\nExample:\n"
      "  vmnctl promote db-in\n",
      ctl_cmd_promote },
    { "policy", "recommend", 1, 1, CTL_OPT_RECOMMEND,
      "recommend policies for observed connections",
      "Prints the fewest rules, by labels and groups, that allow the\n"
      "connections that hosts have observed in a network, as a file for\n"
      "`vmnctl apply`, with a comment on each rule.  With --for, the\n"
      "network is observed for that time first, and no longer; without it,\n"
      "the network must be observed already ({type: observations, name:\n"
      "NETWORK}).\n"
      "Ports with equal labels are treated alike, so a rule may also allow\n"
      "connections that only some of them were seen to make.  Comments on\n"
      "the rule say which.  --labels selects the label keys to use, and\n"
      "--exact distinguishes all ports.  The policies are in shadow mode:\n"
      "they only count, until `vmnctl promote`.  Their names are new: no\n"
      "existing object is replaced.\n"
      "\nExample:\n"
      "  vmnctl policy recommend --network shop --for 10m >policy.yaml\n"
      "  vmnctl apply -f policy.yaml --wait\n",
      ctl_cmd_policy },
    { "advise", "placement", 1, 1, CTL_OPT_SHOWN | CTL_OPT_ADVICE,
      "say which VMs to move so that less goes between hosts",
      "Goes by what switches have counted in the last 6 hours, or --since\n"
      "then (vmnctl top traffic), and by where ports are now: which VMs to\n"
      "move, in which order, and how much less would have gone from host to\n"
      "host after each move.  Moves of one STEP are to be made together:\n"
      "they exchange places on hosts that are full.  Moves nothing: the VM\n"
      "manager does, and `vmnctl migrate` says so of ports that need it.\n"
      "\n"
      "A VM is a port, or the ports on one host with the same value of the\n"
      "label --together.  It goes to hosts that are synced, not in\n"
      "maintenance, that its ports may be bound on, and that have room\n"
      "(--capacity), and not to where one is that it is to be --apart from.\n"
      "What is violated already stays, and gets no worse.\n"
      "\nExample:\n"
      "  vmnctl advise placement --capacity 40 --apart app --since 1h\n",
      ctl_cmd_advise },
    { "migrate", "PORT [HOST]", 1, 2,
      CTL_OPT_MIGRATE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "have a port go to another host with its VM",
      "Moves no VM: the VM manager does.  Says of the port, before that,\n"
      "that HOST may have it too: the port's `migration`.  It stays where\n"
      "it is until its VM sends its first packet on HOST, or until\n"
      "--activate.  --cancel takes it back; --finish ends it when it is\n"
      "there: the port's `host`, if it has one, is HOST from then on.  How\n"
      "far it is: vmnctl get port NAME -o wide.  A port that names neither\n"
      "`host` nor `hosts` follows its VM without this.\n"
      "\nExample:\n"
      "  vmnctl migrate web-1 hv2 --wait\n"
      "  vmnctl migrate web-1 --finish\n",
      ctl_cmd_migrate },
    { "hosts", "", 0, 0,
      CTL_OPT_OUTPUT | CTL_OPT_SELECTOR | CTL_OPT_LIMIT,
      "show the hosts and their states",
      "The same as `vmnctl get hosts`.  A host that is \"synced\" has exactly\n"
      "its desired flows installed.  One in maintenance has \",draining\" or\n"
      "\",drained\" behind its STATE.  REVISION is the last revision that it\n"
      "has acknowledged, BEHIND how many revisions it has not acknowledged,\n"
      "and for how long.  FLOWS is \"?\" until its desired flows are\n"
      "installed.  OUTSTANDING are bundles that are not acknowledged yet,\n"
      "BACKLOG revisions that are queued and will be sent as one bundle.\n"
      "AUDITED is when its flows were last audited, and DRIFT what differed\n"
      "then, and whether that is repaired.  Below are rejected hosts:\n"
      "connections from hosts that were not accepted, and why.\n"
      "\nExample:\n"
      "  vmnctl hosts\n",
      ctl_cmd_hosts },
    { "host", "join-command|drain|undrain|lost|found NAME", 2, 2,
      CTL_OPT_JOIN | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "add a hypervisor as a host, empty it, or give it up",
      "The host object NAME must exist.  `join-command` shows the commands\n"
      "that create its certificate, and those that, on the hypervisor, make\n"
      "its database connect to vmnd (hosts that are `inbound`; to all\n"
      "members of a cluster, unless --address is given) or listen (others).\n"
      "With --plain, without TLS.  Runs none of them.\n"
      "`drain` sets the host's `maintenance`: gateways go to other hosts,\n"
      "backends on it get no new connections while others serve, and what\n"
      "is left is listed: its VMs are the VM manager's to move.  With\n"
      "--wait it returns once nothing is left, as `vmnctl wait` does, or\n"
      "with status 4 after --timeout.  `undrain` takes that back.\n"
      "`lost` says that the machine is off: its VMs may run on other hosts\n"
      "at once, and nothing is sent to it.  If it comes back it gets no\n"
      "flow, whatever still runs there, until it is `found`.\n"
      "\nExample:\n"
      "  vmnctl host join-command hv1 --address 192.0.2.1\n"
      "  vmnctl host drain hv1\n"
      "  vmnctl wait host/hv1 --for drained\n",
      ctl_cmd_host },
    { "token", "NAME", 1, 1, CTL_OPT_TOKEN,
      "create a token for an account",
      "Prints the token.  It cannot be shown again: vmnd stores only a\n"
      "hash.  With --out it is written to a new file that only you may\n"
      "read.  Use it with --token-file, which rejects a file of yours that\n"
      "others may read, or VMNCTL_TOKEN.  To revoke it, delete it (`vmnctl\n"
      "delete token NAME`).\n"
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
      "show desired flows of a host, or the differences",
      "Shows each flow and group with its owner: app, unit and object\n"
      "(OWNER).  With --diff, reads the host's switch and shows the\n"
      "differences: items that are missing, altered, unknown (not desired),\n"
      "or rejected by the switch.  Items that changed after the dump began\n"
      "are skipped, and counted.  Changes nothing, unless --repair is\n"
      "given, which repairs all differences, as an audit does.\n"
      "Exit status 1 if something differs (0 with --repair), or if no flow is\n"
      "of --object; 2 if the host could not be compared.\n"
      "\nExample:\n"
      "  vmnctl flows hv1 --app firewall --object web-1\n"
      "  vmnctl flows hv1 --diff\n"
      "  vmnctl flows hv1 --diff --repair\n",
      ctl_cmd_flows },
    { "trace", "FROM TO [SERVICE]", 2, 3,
      CTL_OPT_SHOWN | CTL_OPT_AFTER | CTL_OPT_REPLY,
      "simulate a packet, and show what decides about it",
      "Follows a packet from FROM to TO through the desired flows of the\n"
      "hosts: where it ends, and on each host the policy, route, balancer or\n"
      "floating address that decides.  FROM is a port, its address, or\n"
      "`outside`: a machine in a provider network or behind it (--source-ip).\n"
      "TO is a port, a loadbalancer, a floating-ip, an address, or outside.\n"
      "SERVICE is tcp/N, udp/N, sctp/N, icmp (a ping, and the default),\n"
      "icmp/TYPE or icmp/TYPE/CODE; icmpv6 is the same, with IPv6 addresses\n"
      "only.  No packet is sent.  Where a balancer chooses a backend, each\n"
      "choice is shown as an outcome.  With -v, shows each stage that does\n"
      "something, the owner of its flow, and what is rewritten; -o json has\n"
      "all steps.  With --after, shows the result as if the objects in a\n"
      "file had been applied.\n"
      "\n"
      "With --live the packet is sent, as if FROM's guest had, and followed\n"
      "through the hosts' switches; each stage that it comes to is shown\n"
      "beside what is predicted.  It ends at the port that it is for, whose\n"
      "guest does not get it (but see --deliver).  Mirrors copy it as any\n"
      "other.  Exits with 1 if anything differs.\n"
      "Exit status 0 if the packet is delivered in every outcome, 1 if not,\n"
      "and 2 if the request is rejected.\n"
      "\nExample:\n"
      "  vmnctl trace web-1 db-1 tcp/5432 --reply\n"
      "  vmnctl trace 10.0.0.11 10.0.0.31 tcp/5432 -v\n"
      "  vmnctl trace outside 198.51.100.20 tcp/443 --source-ip 203.0.113.7\n"
      "  vmnctl trace web-1 db-1 tcp/5432 --after lockdown.yaml\n",
      ctl_cmd_trace },
    { "drops", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_DROPS,
      "show dropped packets: where, how many, and why",
      "For each host, reason and owner: packets, bytes, and the time of the\n"
      "last one.  OWNER is the app, unit and object whose flow dropped\n"
      "them; OBJECT is the object, and of a policy RULE is the rule (from\n"
      "0).  The newest are first; 20 are shown unless --limit is given.\n"
      "Counters are as old as the last time that the host's were read (vmnd\n"
      "--count-interval).\n"
      "Below are samples of packets, by name, the newest last.  Their rate\n"
      "is limited, so that a flood costs nothing.  COUNT is how many equal\n"
      "packets came in a row; (+N) are others with the same reason that\n"
      "were not sampled.  With --follow, shows only samples, as they arrive\n"
      "(with -o json one line each).\n"
      "Background is left out, except for its counters: what is dropped in\n"
      "normal operation, such as reports of multicast listeners, and what a\n"
      "physical network floods for others.  --all shows it.\n"
      "--since leaves out counters without a packet since then; the others\n"
      "count older packets, too.\n"
      "--network and --port select what is dropped by flows of that object\n"
      "(of a network also by those of its ports and routers), and packets\n"
      "whose source or destination it is, or is in it.\n"
      "\nExample:\n"
      "  vmnctl drops\n"
      "  vmnctl drops --port db-1 --follow\n"
      "  vmnctl drops --since 10m\n"
      "  vmnctl drops --host hv1 --reason \"denied by rule\"\n",
      ctl_cmd_drops },
    { "reachability", "[SERVICE]", 0, 1,
      CTL_OPT_SHOWN | CTL_OPT_AFTER | CTL_OPT_REACH,
      "show who can reach whom on a service",
      "Simulates packets between all kinds of ports, and their replies,\n"
      "through the desired flows of the hosts.  SERVICE is tcp/N, udp/N,\n"
      "sctp/N, icmp (a ping) or icmpv6 (with IPv6 only).  Rows are sources,\n"
      "columns are destinations; below are the reasons of what is not\n"
      "delivered.  Ports that no flow distinguishes are one kind, named\n"
      "after the first of them; with --by port all ports of each kind are\n"
      "listed.  Warns of hosts that are unheard.\n"
      "With --after, shows what the objects in a file would change, by\n"
      "ports; exit status 1 if there is a change.  Exit status 2 if the\n"
      "request is rejected.\n"
      "With --to in place of SERVICE, lists all services by which that is\n"
      "reached, in ranges of ports, with the policy that lets them in; (default)\n"
      "is that of the network.  --from says from where: outside by default.\n"
      "\nExample:\n"
      "  vmnctl reachability tcp/443 --network shop\n"
      "  vmnctl reachability --from outside --to port/web-1\n"
      "  vmnctl reachability tcp/443 --after lockdown.yaml\n",
      ctl_cmd_reachability },
    { "logs", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_LOGS,
      "show decisions of rules that have a log",
      "Shows connections that a rule with `log: true` allowed, and packets\n"
      "that it denied or rejected: source and destination by name, the\n"
      "newest last.  If the policy was in shadow mode then, VERDICT is what\n"
      "it would have decided (`would`); it decided nothing.  Packets that a\n"
      "shadow policy would isolate, as no rule of it matches them, are shown\n"
      "without any `log: true` (`would isolate`).  Each rule has\n"
      "a rate limit; COUNT is how many equal packets came in a row, (+N)\n"
      "are others of the rule that were not logged.  Counts of rules are of\n"
      "all the time, also with --since.\n"
      "\nExample:\n"
      "  vmnctl logs --policy db-in --follow\n"
      "  vmnctl logs --since today\n",
      ctl_cmd_logs },
    { "events", "", 0, 0, CTL_OPT_SHOWN | CTL_OPT_EVENTS,
      "show events as they happen, or past events",
      "Prints one line per event, also with -o json, until it is\n"
      "interrupted.  Kinds of events:\n"
      "  revision   a change is stored\n"
      "  installed  a change is installed on all hosts concerned\n"
      "  host       the state of a host changed\n"
      "  binding    the host or the state of a port changed\n"
      "  ports      the ports of a host are unknown, or known again\n"
      "  claim      a host has the interface of a port not to be bound there\n"
      "  drop       a packet was dropped\n"
      "  log        a rule with a log decided about a packet\n"
      "  audit      an audit found differences on a host\n"
      "  health     the state of a backend changed\n"
      "  monitor    a guest that is monitored answers, or does not\n"
      "  standby    a balancer's standby serves, or stands by again\n"
      "  scale      the load of a balancer requires more or fewer backends\n"
      "  gateway    another host is a router's gateway, or none is\n"
      "  path       a path between hosts is in trouble, or not any more\n"
      "  app        an app's process has ended, runs again or is suspended\n"
      "  trace      a live trace's packet did not do as predicted\n"
      "If vmnd is away for a while, it continues where it was.\n"
      "With --since or --limit, shows past events, as far as vmnd keeps\n"
      "them (the newest 16,384 since it was started), and then ends, unless\n"
      "--follow is given.  Drops of background are hidden and counted, as\n"
      "by vmnctl drops: --all shows them.\n"
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
      "show the identities of ports in policies",
      "Ports of a network, or of networks that routers connect, that are in\n"
      "the same groups and the same quarantines share one number, which\n"
      "flows match (reg1 and reg2).  Ports that are in none have no number.\n"
      "\nExample:\n"
      "  vmnctl identities --network shop\n",
      ctl_cmd_identities },
    { "sets", "[SET]", 0, 1, CTL_OPT_SHOWN,
      "show the sets of `apply --prune`",
      "How many objects each set has; with SET, lists its objects.\n"
      "\nExample:\n"
      "  vmnctl sets\n"
      "  vmnctl sets shop\n",
      ctl_cmd_sets },
    { "paths", "[HOST [HOST]]", 0, 2, CTL_OPT_SHOWN | CTL_OPT_LIMIT,
      "show latency, loss and MTU between hosts",
      "Of each two hosts that share a network, those in trouble first:\n"
      "  lossy      4 or more of the last 32 probes were lost\n"
      "  mtu        packets of the MTU's size are lost, small ones pass\n"
      "  down       no packet passes\n"
      "PORTS is the number of ports that this concerns: -o yaml names them.\n"
      "With one HOST, its paths; with two, the one between them.  Paths are\n"
      "measured while app paths is loaded.\n"
      "\nExample:\n"
      "  vmnctl paths\n"
      "  vmnctl paths h1\n"
      "  vmnctl paths h1 h2 -o yaml\n",
      ctl_cmd_paths },
    { "usage", "", 0, 0, CTL_OPT_SHOWN,
      "show how much of each quota is used",
      "One line for each limit of each quota (vmnctl get quotas): what is\n"
      "used in the quota's scope, and the limit.  For flows, the host that\n"
      "has the most of them counts.\n"
      "\nExample:\n"
      "  vmnctl usage\n",
      ctl_cmd_usage },
    { "revision", "N|latest", 1, 1, CTL_OPT_SHOWN | CTL_OPT_CONTENTS,
      "show a revision: author, changes, and hosts that have it",
      "Shows the fields that it changed, while they are kept, for the first\n"
      "ten objects; --diff shows those of all objects.  `latest` is the newest\n"
      "in the log.\n"
      "\nExample:\n"
      "  vmnctl revision 42\n"
      "  vmnctl revision latest\n"
      "  vmnctl revision 42 --diff\n",
      ctl_cmd_revision },
    { "revisions", "", 0, 0,
      CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_REVISIONS,
      "show the log of changes",
      "Newest last; without --limit, the last 20.\n"
      "\nExample:\n"
      "  vmnctl revisions --limit 100\n"
      "  vmnctl revisions --type policies --since 2h\n"
      "  vmnctl revisions --type bindings --since 1h\n"
      "  vmnctl revisions --users --since yesterday\n",
      ctl_cmd_revisions },
    { "wait", "N|latest|loadbalancers/NAME|hosts/NAME", 1, 2, CTL_OPT_AWAIT,
      "wait until a revision is installed, or something is drained",
      "Waits until all hosts concerned have the revision.  A change that is\n"
      "made without --wait prints its number.  Exit status 4 if the time is\n"
      "over; the hosts that do not have it are listed then.\n"
      "With --for drained, waits until the backends of a balancer that are to\n"
      "drain (vmnctl drain) are drained, and says why each is: nobody uses it\n"
      "any more, or drain_seconds are over, and what was open is cut: exit\n"
      "status 5.  Of a host that is to drain (vmnctl host drain), it waits\n"
      "until it has no VMs and is no gateway any more.\n"
      "\nExample:\n"
      "  vmnctl wait 42\n"
      "  vmnctl wait 42 --for installed --timeout 2m\n"
      "  vmnctl wait lb/shop --for drained --backend web-1\n"
      "  vmnctl wait host/hv1 --for drained\n",
      ctl_cmd_wait },
    { "history", "TYPE/NAME", 1, 2, CTL_OPT_SHOWN | CTL_OPT_LIMIT,
      "show the changes of an object",
      "Newest last; without --limit, the last 20.  The object may be\n"
      "deleted.  TYPE NAME is accepted as well.  Of a port it shows where it\n"
      "was, too: bound, moved and unbound, by whom.\n"
      "\nExample:\n"
      "  vmnctl history ports/web-1\n",
      ctl_cmd_history },
    { "undo", "REVISION|latest|TYPE/NAME", 1, 1,
      CTL_OPT_FORCE | CTL_OPT_WAIT | CTL_OPT_DRY_RUN,
      "undo a change, or the last change of an object",
      "Deletes what was created, recreates what was deleted, with the same\n"
      "addresses, and restores fields that were changed: one transaction,\n"
      "whose plan is shown first.  Rejected if an object has changed since,\n"
      "or has a type that has gone with its app: --force takes the fields of\n"
      "this change back all the same, leaves out what is not there any more,\n"
      "and says what that is.  `latest` is the newest change by a user,\n"
      "whoever that is.\n"
      "\nExample:\n"
      "  vmnctl undo 42 --dry-run\n"
      "  vmnctl undo 42 --wait\n"
      "  vmnctl undo ports/web-1\n",
      ctl_cmd_undo },
    { "draft", "ACTION [DRAFT] [TYPE/NAME...]", 1, -1,
      CTL_OPT_FILE | CTL_OPT_SHOWN | CTL_OPT_WAIT | CTL_OPT_ETAG,
      "collect changes, review what they would do, and make them",
      "ACTION is create, show, diff, plan, apply, rebase, drop, delete or\n"
      "list.  A draft is a named set of changes that are not made yet.  vmnd\n"
      "keeps it, for all who may change what it changes.  `create` makes one, of\n"
      "the objects in the files of -f, if any; apply, patch, label and\n"
      "delete with --draft NAME put more into it.  `drop` takes the changes\n"
      "of the objects named out of it.  `show` shows what it says, `diff`\n"
      "which fields it would change, and `plan` also the flows, who could\n"
      "reach whom before and after, and which observed connections would\n"
      "end; it prints the draft's ETag.  `apply` makes the changes as one\n"
      "revision, which names the draft, and deletes it; with --etag, only\n"
      "the draft that was planned.  It is refused if somebody else has\n"
      "changed the same since: `show` lists that, and `rebase` has the draft\n"
      "go by what is there now, after you have looked at it.  A patch\n"
      "conflicts with changes of its own fields, and of labels, alone.\n"
      "Exit status of diff: 1 if something would change.\n"
      "\nExample:\n"
      "  vmnctl draft create lockdown -f lockdown.yaml\n"
      "  vmnctl patch policy db-in -p '{spec: {mode: enforce}}' --draft lockdown\n"
      "  vmnctl draft plan lockdown\n"
      "  vmnctl draft apply lockdown --etag 12 --wait\n",
      ctl_cmd_draft },
    { "rollback", "REVISION|FIRST-LAST", 1, 1,
      CTL_OPT_ROLLBACK | CTL_OPT_SHOWN | CTL_OPT_WAIT,
      "draft what would take a revision, or several, back",
      "Makes a draft that undoes the revision, or all from the first to the\n"
      "last together, and shows its plan.  What has been changed since is a\n"
      "conflict of the draft, which `vmnctl draft show` lists.  With --apply,\n"
      "the draft that was shown is applied if there is none.\n"
      "vmnctl undo does the same with one revision at once, without a draft.\n"
      "\nExample:\n"
      "  vmnctl rollback 42\n"
      "  vmnctl rollback 42-47\n"
      "  vmnctl draft apply rollback-42 --wait\n"
      "  vmnctl rollback 42 --apply --wait\n",
      ctl_cmd_rollback },
    { "app", "load|watch|unload|enable|disable|logs WHAT [NAME]", 2, 3,
      CTL_OPT_WAIT | CTL_OPT_SHOWN | CTL_OPT_TRY,
      "load an app while vmnd runs, remove it, or show its log",
      "WHAT is a file, or an app's name.\n"
      "`load` takes a file, NAME.so or NAME.lua, of an app that is called as\n"
      "it is, or NAME.  It is copied into vmnd's database, so the file is\n"
      "not needed any more.  If such an app is loaded already, it is\n"
      "replaced by the new version, in one step on each host.  What cannot\n"
      "be loaded changes nothing.  `watch` does that now and whenever the\n"
      "file is saved.  `unload` removes an app that was loaded\n"
      "so, with its flows.  `disable` withdraws the flows of any app, and\n"
      "`enable` has it install them again; without firewall or overlay,\n"
      "hosts drop all packets of VMs.  `logs` shows the last lines that the\n"
      "app has written by vmn_log(), or print() in Lua.\n"
      "\nExample:\n"
      "  vmnctl app load mailguard.lua --wait\n"
      "  vmnctl app logs mailguard\n"
      "  vmnctl app unload mailguard --dry-run\n"
      "  vmnctl app unload mailguard\n",
      ctl_cmd_app },
    { "cluster", "[init|join-command|transfer|remove] [MEMBER]", 0, 2,
      CTL_OPT_SHOWN | CTL_OPT_CLUSTER,
      "show the members of a cluster, or change who they are",
      "Alone, or as `status`, it shows the members.  `init` begins a cluster\n"
      "on this machine, with vmnd's state: it runs vmn-cluster, which the\n"
      "package vmn has.  `join-command` prints the command that has another\n"
      "machine join, with a token that is good for an hour, of --account or\n"
      "the first account of role admin.  `transfer` has MEMBER, or any other\n"
      "one, become the writer at once.  `remove` takes a member that is gone\n"
      "for good out of the list; `vmn-cluster remove`, on a machine of the\n"
      "others, its server of the database as well.  All but `status` and\n"
      "`init` are the writer's to do.\n"
      "\nExample:\n"
      "  vmnctl cluster\n"
      "  vmnctl cluster init --name a --address 192.0.2.1\n"
      "  vmnctl cluster join-command --name b\n"
      "  vmnctl cluster transfer b\n",
      ctl_cmd_cluster },
    { "backup", "FILE", 1, 1,
      CTL_OPT_DATABASE | CTL_OPT_REPLACE | CTL_OPT_SHOWN,
      "save the whole state of vmnd as a file",
      "The file is a consistent snapshot of the database; vmnd keeps\n"
      "running.  It is verified before it gets its name.  An existing file\n"
      "is replaced only with --force.  With --database, reads the database\n"
      "itself; vmnd need not run.\n"
      "\nExample:\n"
      "  vmnctl backup /var/backups/vmn.db\n",
      ctl_cmd_backup },
    { "restore", "FILE", 1, 1,
      CTL_OPT_DATABASE | CTL_OPT_YES | CTL_OPT_RESTORE | CTL_OPT_DRY_RUN
      | CTL_OPT_LIMIT,
      "replace vmnd's database by a backup",
      "vmnd must be stopped; the hosts continue to forward.  The backup is\n"
      "verified first.  If users have changed something since the backup,\n"
      "lists these revisions and the objects that differ, with their fields,\n"
      "and asks before it goes on; without a terminal it does nothing unless\n"
      "--yes is given.  --dry-run lists that alone, while vmnd runs.\n"
      "Tokens and accounts that were deleted, disabled or limited since the\n"
      "backup stay so, unless --with-revoked is given.\n"
      "--map-hosts restores on other hypervisors: FILE (YAML or JSON) has an\n"
      "entry for each host of the backup that another machine stands in for,\n"
      "such as hv1: {name: east1, tunnel_ip: 198.51.100.1}; those whose\n"
      "database vmnd dials need ovsdb, too.  All references follow.\n"
      "The existing database is kept under another name,\n"
      "which is printed.  When vmnd is started again, it installs the state\n"
      "of the backup on the hosts.  --database is the path of vmnd's\n"
      "database.\n"
      "\nExample:\n"
      "  vmnctl restore vmn.bak --database /var/lib/vmn/vmn.db --dry-run\n"
      "  vmnctl restore /var/backups/vmn.db --database /var/lib/vmn/vmn.db\n",
      ctl_cmd_restore },
    { "support-bundle", "[FILE]", 0, 1, CTL_OPT_SUPPORT,
      "collect all that a bug report needs, in one file",
      "Writes a .tar.gz that only you may read: versions, status, problems,\n"
      "metrics, durations of the last changes, the last 1000 revisions,\n"
      "hosts and all other objects, drops, differences on up to 20\n"
      "switches, and, if vmnd's own socket can be reached, the output of\n"
      "ovs-appctl.  Tokens, and fields that are secret, or named like one,\n"
      "are left out.  Names, labels and addresses are included; --no-objects\n"
      "leaves most of them out.  manifest.json in it lists the contents,\n"
      "and what is missing and why.  Exit status 3 if vmnd did not answer:\n"
      "the file then has only the rest.\n"
      "\nExample:\n"
      "  vmnctl support-bundle\n"
      "  vmnctl support-bundle --no-objects report.tar.gz\n",
      ctl_cmd_support },
    { "status", "", 0, 0, CTL_OPT_SHOWN,
      "show whether everything is in order",
      "Exit status 1 if the health is not ok: vmnd is starting, changes\n"
      "cannot be stored, a host is not synced, flows conflict, a quota is\n"
      "exceeded, and so on (with -o json it is 0 then); 2 if the request is\n"
      "rejected.\n"
      "\nExample:\n"
      "  vmnctl status\n",
      ctl_cmd_status },
    { "top", "[traffic]", 0, 1,
      CTL_OPT_SHOWN | CTL_OPT_LIMIT | CTL_OPT_ONCE | CTL_OPT_TRAFFIC,
      "show what vmnd computes for changes, as it happens, or traffic",
      "On top, hosts that are not up to date, if any, and how often units\n"
      "and queries of each class were computed, by app: in the groups\n"
      "below, and since vmnd was started.  Below, the newest groups of\n"
      "revisions: who changed what, what was computed for it, flows added\n"
      "(+), changed (~) and removed (-), how many of the hosts concerned\n"
      "have it, and the milliseconds of each step, up to the last host's\n"
      "acknowledgement.  On a terminal it is refreshed every --interval,\n"
      "until it is interrupted; elsewhere, and with -o json, it is printed\n"
      "once.  Without --limit, the last 20, or what fits on the terminal.\n"
      "\n"
      "top traffic shows once who has sent how much to whom in the last 6\n"
      "hours, or --since then, as switches have counted it: those who send\n"
      "and get most, then pairs of ports, or of what --by says, the heaviest\n"
      "first; CROSS-HOST is what went from one host to another, HOSTS where\n"
      "both were the last time.  By group, a port that is in several counts\n"
      "in each of them; the sum above has it once.  It is counted for\n"
      "networks that an object of type traffic-counts lists, by app traffic.\n"
      "\nExample:\n"
      "  vmnctl top\n"
      "  vmnctl top traffic --since 1h --by label=app\n"
      "  vmnctl top --once --limit 5\n",
      ctl_cmd_top },
    { "completion", "bash|zsh", 1, -1, 0,
      "print the completion script for a shell",
      "Completes commands, options, types, fields, names of objects,\n"
      "labels, services and revisions; names are requested from the server.\n"
      "It is installed with vmnctl; if the shell does not find it:\n"
      "  source <(vmnctl completion bash)\n"
      "`vmnctl completion words -- WORD...` prints what can complete the\n"
      "last WORD of a command line.\n"
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
