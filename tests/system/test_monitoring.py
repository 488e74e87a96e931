# SPDX-License-Identifier: Apache-2.0
"""What those see who watch a vmnd: its metrics, by promtool and by the table
of docs/monitoring.md, and what deploy/monitoring makes of them."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml
from conftest import (World, assert_condition, assert_no_condition, close_lab,
                      entry, make_lab, rule, wait_counted)

from vmnlab.api import Refused
from vmnlab.netns import wait_for

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, "../..")

ROW = re.compile(r"\| `(\w+)` \| (\w+) \| (.*?) \| .* \|$")
OF_MEMBERS = {"vmn_cluster_database_disk_free_bytes",
              "vmn_cluster_database_disk_bytes"}
LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')
LABEL_VALUE = re.compile(r'="([^"]*)"')


def promtool(*args, **more):
    found = subprocess.run(["promtool", *args], capture_output=True,
                           text=True, **more)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def documented():
    """{name: (type, labels)} of the table."""
    with open(os.path.join(TOP, "docs/monitoring.md")) as text:
        rows = [ROW.match(line) for line in text]
    return {row[1]: (row[2], set(re.findall(r"`(\w+)`", row[3])))
            for row in rows if row}


def exposed(text):
    """The same of what a vmnd says; labels are those of its series."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family, kind = line.split()[2:]
            found[family] = (kind, set())
        elif not line.startswith("#"):
            assert line.startswith(family), line
            found[family][1].update(LABEL.findall(line))
    for kind, labels in found.values():
        if kind == "histogram":
            assert labels == {"le"}
            labels.clear()
    return found


@pytest.fixture
def shop(world):
    """A client, and a server behind a policy and a balancer."""
    world.network("net")
    cli = world.vm("cli", "net", "h1")
    web = world.vm("web", "net", "h2", tcp=[80, 8080],
                   labels={"role": "web"})
    world.group("web", "role=web")
    world.policy("web-in", "web",
                 rule("ingress", "allow", services=[entry("tcp", 80, 8080)]),
                 rule("ingress", "deny", services=[entry("tcp", 81)]))
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80, "target": 8080}], selector="role=web")
    return cli, web


def test_metrics_are_as_the_convention_says_and_the_table(world, shop):
    cli, web = shop
    assert world.reaches(cli, web, 80)
    assert world.blocked(cli, web, 81)
    assert world.answers(cli, "10.0.0.100") == "web"
    assert world.unanswered(cli, "10.0.0.100", 81)

    def counted():
        m = world.api.metrics()
        return (m['vmn_policy_packets_total{policy="web-in"}'] >= 2
                and m['vmn_loadbalancer_connection_attempts_total'
                      '{loadbalancer="lb"}'] >= 1
                and m['vmn_loadbalancer_dropped_packets_total'
                      '{loadbalancer="lb"}'] >= 1
                and m.get('vmn_dropped_packets_total{app="firewall",'
                          'reason="denied by rule",background="false"}',
                          0) >= 1)
    wait_counted("counters of what was sent", counted)

    text = world.api.raw("GET", "/metrics")[2].decode()
    promtool("check", "metrics", input=text)
    known, found = documented(), exposed(text)
    # A member of a cluster has these besides.
    assert set(known) - OF_MEMBERS == set(found)
    for name, (kind, labels) in found.items():
        assert known[name][0] == kind, name
        assert labels <= known[name][1], name


@pytest.mark.usefixtures("shop")
def test_figures_follow_what_happens(world):
    before = world.api.metrics()
    assert before['vmn_hosts_in_state{state="synced"}'] == 3
    assert before["vmn_ovsdb_sessions"] == 3
    assert before["vmn_openflow_sessions"] == 3
    assert before['vmn_objects{type="policies"}'] == 1
    assert before['vmn_app_flows{app="firewall"}'] > 0
    assert before["process_open_fds"] < before["process_max_fds"]
    assert before["process_start_time_seconds"] > 1e9

    world.policy("more", "web", rule("ingress", "deny",
                                     services=[entry("tcp", 82)]))
    with pytest.raises(Refused):
        world.api.put("networks/other", {"subnets": 7})
    after = world.api.metrics()

    def grew(name):
        return after[name] - before[name]
    assert grew("vmn_revision") == grew("vmn_revisions_total") == 1
    assert grew("vmn_commit_stored_seconds_count") == 1
    assert grew("vmn_commit_installed_seconds_count") >= 1
    assert grew("vmn_store_write_seconds_count") == 1
    assert 0 < grew("vmn_store_write_seconds_sum") \
        <= grew("vmn_commit_stored_seconds_sum") \
        <= grew("vmn_commit_installed_seconds_sum")
    assert grew('vmn_http_replies_total{method="PUT",code="2xx"}') == 1
    assert grew('vmn_http_replies_total{method="PUT",code="4xx"}') == 1
    assert grew("vmn_http_received_bytes_total") > 100
    assert grew("vmn_http_sent_bytes_total") > 1000
    assert after["vmn_installed_revision"] == after["vmn_revision"]
    assert after["vmn_installed_lag_seconds"] == 0

    # One that is away is not waited for, but seen.
    host = world.lab.host("h3")
    host.stop_switch()
    try:
        wait_for("h3 to be offline", lambda: world.api.metrics()[
            'vmn_hosts_in_state{state="offline"}'] == 1, 30)
        world.put_nowait("networks", "third", subnets=[
            {"cidr": "10.1.0.0/24"}])
        away = world.api.metrics()
        assert away["vmn_openflow_sessions"] == 2
        assert away["vmn_installed_revision"] <= away["vmn_revision"]
    finally:
        host.start_switch()
    wait_for("h3 to be back", lambda: world.api.metrics()[
        'vmn_hosts_in_state{state="synced"}'] == 3, 30)
    assert world.api.metrics()["vmn_openflow_sessions_opened_total"] \
        > before["vmn_openflow_sessions_opened_total"]


def test_packets_that_go_up_are_told_apart(world):
    world.network("net")
    cli = world.vm("cli", "net", "h1")
    web = world.vm("web", "net", "h2", tcp=[81], labels={"role": "web"})
    world.group("web", "role=web")
    world.policy("refuse", "web", rule("ingress", "reject"))
    before = world.api.metrics()
    assert world.blocked(cli, web, 81)

    def grew(name):
        return after[name] - before[name]

    def answered():
        nonlocal after
        after = world.api.metrics()
        return grew("vmn_packet_ins_answered_total") >= 1
    # Who has no answer yet is blocked, too.
    after = before
    wait_for("an answer", answered)
    assert grew("vmn_packet_ins_total") \
        >= grew("vmn_packet_ins_answered_total")
    assert grew("vmn_packet_ins_rate_limited_total") == 0


def series(world, family):
    """{labels: value} of the family's series."""
    found = {}
    for name, value in world.api.metrics().items():
        if name.startswith(family + "{"):
            labels = re.findall(r'(\w+)="([^"]*)"', name)
            found[tuple(v for _, v in labels)] = value
    return found


def test_what_needs_attention_is_named(world):
    world.network("net", "10.0.0.0/29")
    world.vm("web", "net", "h2", labels={"role": "web"})
    world.put("loadbalancers", "well", vip="10.0.0.6", networks=["net"],
              ports=[{"port": 80}], selector="role=web")
    world.put("loadbalancers", "empty", vip="10.0.0.5", networks=["net"],
              ports=[{"port": 80}], selector="role=nobody")
    world.put_nowait("ports", "lonely", network="net")
    m = world.api.metrics()
    assert m["vmn_loadbalancers_without_backends"] == 1
    assert series(world, "vmn_loadbalancer_without_backends") == {
        ("empty",): 1}
    assert_condition(world.lab, "balancers",
                     "no backend of balancer empty serves")
    # A gateway would be one more; two are virtual IPs.
    use = world.api.get("networks/net")["status"]["subnets"][0]
    where = 'network="net",subnet="10.0.0.0/29"'
    assert m["vmn_subnet_used_addresses{%s}" % where] == use["used"] > 0
    assert m["vmn_subnet_addresses{%s}" % where] == use["size"] > use["used"]
    assert m["vmn_subnets_other"] == 0
    assert_no_condition(world.lab, "subnets")
    for i in range(use["size"] - use["used"]):
        world.put_nowait("ports", "more-%d" % i, network="net")
    assert_condition(world.lab, "subnets", "addresses of subnet 10.0.0.0/29 "
                     "of network net are used")
    for i in range(use["size"] - use["used"]):
        world.delete("ports", "more-%d" % i)
    assert_no_condition(world.lab, "subnets")
    states = {s: n for (s,), n in series(world, "vmn_ports_in_state").items()}
    assert (states["up"], states["unbound"]) == (1, 1)
    assert series(world, "vmn_ports_unbound") == {
        ("5m",): 1, ("1h",): 0, ("1d",): 0, ("longer",): 0}
    assert 0 < m["vmn_ports_unbound_oldest_seconds"] < 300
    assert not series(world, "vmn_host_unsynced")
    assert not series(world, "vmn_host_install_lag_seconds")

    # One that is given back is younger than its port.
    world.lab.unplug("web")
    wait_for("web to be unbound", lambda: world.api.metrics()[
        'vmn_ports_in_state{state="unbound"}'] == 2, 20)
    assert series(world, "vmn_loadbalancer_without_backends") == {
        ("empty",): 1, ("well",): 1}
    world.lab.replug("web", "h2")
    wait_for("web to serve", lambda: series(
        world, "vmn_loadbalancer_without_backends") == {("empty",): 1}, 20)

    host = world.lab.host("h2")
    host.stop_switch()
    try:
        wait_for("h2 to be named", lambda: series(
            world, "vmn_host_unsynced") == {("h2", "offline"): 1}, 30)
        assert series(world, "vmn_host_unsynced_ports") == {
            ("h2", "offline"): 1}
        assert_condition(world.lab, "hosts", "offline")
    finally:
        host.start_switch()
        host.await_ready()
    wait_for("h2 to be well", lambda: not series(world, "vmn_host_unsynced"),
             30)
    assert not series(world, "vmn_host_unsynced_ports")
    # Nobody asked for these.
    for family in documented():
        if family.startswith(("vmn_port_", "vmn_host_")):
            assert not series(world, family) or "claims" in family \
                or "budget" in family, family
    assert world.api.metrics()["vmn_ports_other"] == 2


def test_backups_and_the_disk_are_watched(world, tmp_path):
    m = world.api.metrics()
    assert 0 < m["vmn_store_disk_free_bytes"] <= m["vmn_store_disk_bytes"]
    assert m["vmn_store_disk_bytes"] == shutil.disk_usage(
        os.path.dirname(world.lab.vmnd.db)).total
    world.network("net")
    started = m["process_start_time_seconds"]
    world.api.raw("GET", "/v1/backup")
    after = world.api.metrics()
    assert after["vmn_backup_last_timestamp_seconds"] > started
    assert after["vmn_backup_last_revision"] == after["vmn_revision"]


def test_series_of_hosts_and_ports_are_bounded():
    lab = make_lab("series", 2, options=["--metrics-series=1"])
    try:
        world = World(lab)
        world.network("net")
        for name in ("a", "b"):
            world.vm(name, "net", "h1")
        state = series(world, "vmn_port_state")
        assert state == {("a", "net", "h1", "up"): 1}
        assert series(world, "vmn_host_synced") == {("h1",): 1}
        assert series(world, "vmn_host_ports") == {("h1",): 2}
        m = world.api.metrics()
        assert (m["vmn_hosts_other"], m["vmn_ports_other"]) == (1, 1)
        # Those without series are counted just the same.
        wait_for("both ports", lambda: world.api.metrics()[
            'vmn_ports_in_state{state="up"}'] == 2, 30)
        lab.vm("a").run("ping", "-c3", "-i0.2", lab.vm("b").ip)
        wait_counted("its counters", lambda: series(
            world, "vmn_port_sent_packets_total").get(("a", "net"), 0) >= 3)
        text = world.api.raw("GET", "/metrics")[2].decode()
        promtool("check", "metrics", input=text)
        for name, (_, labels) in exposed(text).items():
            assert labels <= documented()[name][1], name
        world.close()
    finally:
        close_lab(lab)


# What is in deploy/monitoring.  ---------------------------------------------

PLACE = os.path.join(TOP, "deploy/monitoring")
RULES = os.path.join(PLACE, "vmn-alerts.yml")
DASHBOARD = os.path.join(PLACE, "vmn-dashboard.json")

# A selector: a metric's name, and what it says of labels.
SELECTOR = re.compile(r"\b((?:vmn|process)_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')


def read_rules():
    with open(RULES) as text:
        return yaml.safe_load(text)["groups"][0]["rules"]


def read_dashboard():
    with open(DASHBOARD) as text:
        return json.load(text)


def dashboard_exprs():
    return [t["expr"] for p in read_dashboard()["panels"]
            for t in p.get("targets", [])]


def test_rules_are_valid_and_each_is_tested():
    promtool("check", "rules", RULES)
    promtool("check", "config", "--syntax-only",
             os.path.join(PLACE, "prometheus.yml"))
    promtool("test", "rules", os.path.join(PLACE, "vmn-alerts-test.yml"))
    with open(os.path.join(PLACE, "vmn-alerts-test.yml")) as text:
        cases = [case for test in yaml.safe_load(text)["tests"]
                 for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in read_rules()}
    for comes in (True, False):
        assert names == {case["alertname"] for case in cases
                         if bool(case.get("exp_alerts")) == comes}


ALERT = re.compile(r"\| `(Vmn\w+)` \| (\w+) \| [^|]+ \| [^|]+ \|$", re.M)


def test_each_alert_says_what_it_means_and_what_to_run():
    """The handbook has it with its severity, the table of monitoring when it
    comes; and who is woken is told by the sample of an Alertmanager."""
    rules = {rule["alert"]: rule["labels"]["severity"]
             for rule in read_rules()}
    with open(os.path.join(TOP, "docs/handbook/alerts.md")) as page:
        assert dict(ALERT.findall(page.read())) == rules
    with open(os.path.join(TOP, "docs/monitoring.md")) as page:
        assert set(re.findall(r"`(Vmn[A-Z]\w+)`", page.read())) == set(rules)
    with open(os.path.join(PLACE, "alertmanager.yml")) as text:
        config = yaml.safe_load(text)
    routes = {route["matchers"][0]: route["receiver"]
              for route in config["route"]["routes"]}
    assert {'severity="%s"' % s for s in rules.values()} == set(routes)
    assert set(routes.values()) | {config["route"]["receiver"]} == {
        receiver["name"] for receiver in config["receivers"]}
    for one in config["inhibit_rules"]:
        named = re.findall(r'alertname="(\w+)"', str(one))
        assert set(named) <= set(rules)
    with open(os.path.join(PLACE, "prometheus.yml")) as text:
        assert yaml.safe_load(text)["alerting"]["alertmanagers"]


def test_prometheus_gets_a_token_that_only_reads():
    """The commands of the sample are those of the documentation, and what they
    make is what Prometheus reads: not the token that may do everything."""
    with open(os.path.join(PLACE, "prometheus.yml")) as text:
        sample = text.read()
    said = re.search(r"#   vmnctl apply -f - <<END\n(.*?)#   END\n(.*?)# \w",
                     sample, re.S)
    account, commands = (re.sub("^#   ", "", part, flags=re.M)
                         for part in said.groups())
    assert yaml.safe_load(account) == {
        "type": "accounts", "name": "prometheus", "spec": {"role": "viewer"}}
    with open(os.path.join(TOP, "docs/monitoring.md")) as page:
        documented_too = page.read()
    assert account in documented_too
    for command in commands.splitlines():
        assert "# " + command in documented_too
    [job] = yaml.safe_load(sample)["scrape_configs"]
    place = job["authorization"]["credentials_file"]
    assert re.search("vmnctl token .* --account prometheus --out "
                     + re.escape(place) + "$", commands, re.M)


def test_dashboard_can_be_imported(tmp_path):
    dashboard = read_dashboard()
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    panels = dashboard["panels"]
    assert len({p["id"] for p in panels}) == len(panels)
    cells = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"])
               for y in range(at["y"], at["y"] + at["h"])}
        assert not own & cells, panel["title"]
        cells |= own
        if panel["type"] == "row":
            continue
        for part in [panel] + panel["targets"]:
            assert part["datasource"] == {"type": "prometheus",
                                          "uid": "${datasource}"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard)))
    assert used == set(variables) | {"__rate_interval"}

    # PromQL's own parser reads what is shown.
    rules = [{"record": "shown:%d" % i,
              "expr": expr.replace("$__rate_interval", "1m")}
             for i, expr in enumerate(dashboard_exprs())]
    path = tmp_path / "shown.yml"
    path.write_text(yaml.safe_dump(
        {"groups": [{"name": "shown", "rules": rules}]}))
    promtool("check", "rules", str(path))


def legs(expr):
    """The expressions between which an expression compares or computes."""
    return re.split(r"\s(?:and|or|unless|/|\+|-|\*)\s", expr)


def unit_of(expr):
    """The unit of an expression by the names of metrics, as conventions have
    it: with what Grafana calls it, and the function that prints it."""
    name, _ = SELECTOR.search(expr).groups()
    rated = re.search(r"\brate\(", expr)
    if "/" in re.sub(r'"[^"]*"', "", expr) and not rated:
        return "percentunit"
    if re.search(r"_seconds(_bucket)?$", name):
        return "s"
    if re.search(r"_bytes(_total)?$", name):
        return "Bps" if rated else "bytes"
    # Attempts to connect are packets, too.
    return ("pps" if rated and re.search("_(packets|attempts)_total$", name)
            else "")


def test_counters_are_read_as_rates_and_gauges_are_not():
    """By what the table says of each: a counter's value means nothing, nor
    does a gauge's rate."""
    table = documented()
    exprs = dashboard_exprs() + [rule["expr"] for rule in read_rules()]
    for expr in exprs:
        for match in SELECTOR.finditer(expr):
            name = match[1]
            if name == "up":
                continue
            kind = table.get(name, ("histogram",))[0]
            rated = bool(re.search(r"\b(rate|increase)\($",
                                   expr[:match.start()]))
            assert rated == (kind in ("counter", "histogram")), (name, expr)
            if name.endswith("_bucket") and "le=" not in match[0]:
                assert "histogram_quantile(" in expr, expr


def test_units_are_those_of_the_metrics():
    for panel in read_dashboard()["panels"]:
        units = {unit_of(t["expr"]) for t in panel.get("targets", [])}
        if not units or panel["title"] == "Processor":
            continue            # A row; seconds a second are processors.
        assert len(units) == 1, panel["title"]
        unit = units.pop()
        shown = panel["fieldConfig"]["defaults"]["unit"]
        assert shown == unit if unit else shown not in (
            "s", "bytes", "Bps", "percentunit"), (panel["title"], shown)
    for rule in read_rules():
        words = " ".join(rule["annotations"].values())
        # The first that has a metric: "time() - ..." begins with none.
        unit = unit_of(next(leg for leg in legs(rule["expr"])
                            if SELECTOR.search(leg)))
        if "humanizeDuration" in words:
            assert unit == "s", rule["alert"]
        elif "humanizePercentage" in words:
            assert unit_of(rule["expr"]) == "percentunit", rule["alert"]
        elif "$value" in words:
            assert unit != "s", rule["alert"]


def labels_of(expr, table):
    """The labels that a series of the expression may have.  Those of a sum by
    some are these alone, unless others are joined with it."""
    by = re.findall(r"\bby \(([^)]*)\)", expr)
    if by and "group_left" not in expr:
        return {label.strip() for labels in by for label in labels.split(",")}
    found = {"job", "instance"}
    for name, _ in SELECTOR.findall(expr):
        family = re.sub("_(bucket|count|sum)$", "", name)
        if name != "up":
            found |= table[family if name not in table else name][1]
    return found


def test_labels_that_are_shown_are_there():
    table = documented()
    for panel in read_dashboard()["panels"]:
        for target in panel.get("targets", []):
            named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}",
                                   target.get("legendFormat") or ""))
            assert named <= labels_of(target["expr"], table), panel["title"]
    for rule in read_rules():
        named = set(re.findall(r"\$labels\.(\w+)",
                               " ".join(rule["annotations"].values())))
        assert named <= labels_of(rule["expr"], table), rule["alert"]


def test_alerts_are_documented_and_no_others():
    with open(os.path.join(TOP, "docs/monitoring.md")) as text:
        rows = [line for line in text if line.startswith("| `Vmn")]
    assert {name for row in rows for name in re.findall(r"`(Vmn\w+)`", row)} \
        == {rule["alert"] for rule in read_rules()}


def test_what_is_shown_and_watched_is_there(module_lab):
    found = exposed(module_lab.vmnd.api.raw("GET", "/metrics")[2].decode())
    table = documented()
    with open(os.path.join(TOP, "docs/pipeline.md")) as text:
        pipeline = text.read()
    metrics = module_lab.vmnd.api.metrics()

    def values(family):
        return {LABEL_VALUE.search(name)[1] for name in metrics
                if name.startswith(family + "{")}
    states = values("vmn_hosts_in_state")
    exprs = dashboard_exprs() + [rule["expr"] for rule in read_rules()]
    n = 0
    for expr in exprs:
        for name, matchers in SELECTOR.findall(expr):
            n += 1
            family = re.sub("_(bucket|count|sum)$", "", name)
            if name == "up":
                continue
            assert (name in found or name in OF_MEMBERS
                    or found.get(family, "?")[0] == "histogram"), name
            allowed = table[family if name not in table else name][1] | {
                "job", "instance", "le"}
            for label, value in MATCHER.findall(matchers):
                assert label in allowed, expr
                if label == "state" and family.startswith("vmn_host"):
                    assert set(value.split("|")) <= states
                elif (family, label) in (("vmn_health", "state"),
                                         ("vmn_ports_unbound", "age"),
                                         ("vmn_ports_in_state", "state")):
                    assert set(value.split("|")) <= values(family), expr
                elif label == "reason":
                    for reason in value.split("|"):
                        assert '"%s"' % reason in pipeline, reason
    assert n > 60
