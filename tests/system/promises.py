# SPDX-License-Identifier: Apache-2.0
"""Which test makes the condition of each sentence of the handbook and of
docs/monitoring.md that promises a state, a warning, an alert or an exit
status; test_untruths.py checks that no sentence lacks one.  The consoles of
the handbook's pages are tests themselves, and docs/what-happens-when.md names
its own."""

# A sentence with one of these is a promise.
PROMISE = (r"exit status|exits with|ends with an error|status \d\b|Health:"
           r"|`degraded`|`failing`|`unknown`|`unbound`|`offline`|`unheard`"
           r"|`pending`|\bwarn(?:s|ed|ing)?\b|`Vmn[A-Z]\w+`")

HEALTH = "../unit/test-system-health.c::"
ALERTS = "test_monitoring.py::test_rules_are_valid_and_each_is_tested"

# By page, and by what a sentence, or a row of a table, has in it.
PROMISES = {
    "handbook/backup.md": {
        "asks before, and warns": "test_cluster_recovery.py::"
        "test_backup_of_a_member_is_of_no_cluster",
    },
    "handbook/broken-path.md": {
        "`VmnPathDown` after a minute": ALERTS,
        "`degraded: paths`, and exits with 1":
        "test_untruths.py::test_trace_over_a_failed_path_is_unreachable",
        "`unknown` for long": "../unit/test-path-measuring.c::"
        "what_is_not_proven_for_long_is_unknown",
    },
    "handbook/certificates.md": {
        "stands under `Rejected`": "test_join.py::"
        "test_expired_certificate_keeps_a_host_out_until_it_is_renewed",
    },
    "handbook/cluster.md": {
        "`VmnClusterMemberAway`": ALERTS,
        "`vmnctl status` exits with 1":
        "test_cluster_standby.py::test_dead_member_is_away",
        "`vmnctl status` is `failing`":
        "test_cluster_standby.py::test_survivor_of_three",
        "`VmnClusterWithoutMajority`": ALERTS,
    },
    "handbook/drain.md": {
        "exit status 4": "test_host_drain.py::test_backends_drain",
        "exit status 5": "../unit/test-ctl-log.c::"
        "wait_tells_a_quiet_drain_from_one_that_cut",
        "the plan and the reply warn": "test_loadbalancer.py::"
        "test_deleted_backends_are_warned_of_until_they_are_drained",
        "no answer any more": "test_vmnctl.py::test_patch_sets_and_drain",
    },
    "handbook/empty-host.md": {
        "exit status 4 of `wait`":
        "test_host_drain.py::test_gateways_go_elsewhere",
    },
    "handbook/first-network.md": {
        "`Health: ok`": "test_unheard.py::test_host_whose_database_has_ended",
        "state `unbound`": "test_events.py::test_life_of_a_vm_is_told",
        "state `pending`":
        "test_swarm.py::test_port_is_up_only_when_its_host_has_its_flows",
        "state `unknown`":
        "test_unheard.py::test_host_whose_switch_has_ended",
    },
    "handbook/guest-alive.md": {
        "`VmnGuestDown` after two minutes": ALERTS,
        "its host is away": "test_monitors.py::test_link_down_and_host_away",
    },
    "handbook/isolated-ports.md": {
        # The field of a port, no state.
        "a port with `unknown`":
        "test_isolated_ports.py::test_a_provider_network",
    },
    "handbook/move-vm.md": {
        "**cold**": "test_events.py::test_life_of_a_vm_is_told",
        "is refused, or warns":
        "test_asked_migration.py::test_what_cannot_be_asked_for",
        "`rejected_claims` names the new host": "test_migration.py::"
        "test_claim_that_was_rejected_does_no_harm_after_a_restart",
        "no host claims it": "../unit/test-host-db-ports.c::"
        "interfaces_that_no_port_claims_are_listed",
        "the old host is not heard":
        "test_unheard.py::test_host_whose_switch_has_ended",
    },
    "handbook/move-vmnd.md": {
        "does not reach the new address":
        "test_unheard.py::test_host_that_is_away_when_vmnd_starts",
    },
    "handbook/names.md": {
        "The warning is of a name": "test_fqdn_policy.py::"
        "test_a_name_is_pending_until_it_is_answered",
        "why it is `failing`": "test_fqdn_policy.py::"
        "test_what_was_known_is_kept_while_nobody_answers",
        "it was not answered yet": "test_fqdn_policy.py::"
        "test_a_name_is_pending_until_it_is_answered",
        "no answer, twice in a row": "test_fqdn_policy.py::"
        "test_what_was_known_is_kept_while_nobody_answers",
    },
    "handbook/other-site.md": {
        "exits with 1": "test_restore_elsewhere.py::"
        "test_backup_is_restored_on_other_hosts",
        "a host is `offline`": "test_join.py::"
        "test_certificate_of_another_host_gets_nobody_in",
        "a port is `unbound`": "test_restore_elsewhere.py::"
        "test_backup_is_restored_on_other_hosts",
    },
    "handbook/placement.md": {
        "a warning on standard error":
        "../unit/test-ctl-trace.c::advice_tells_what_has_no_effect",
    },
    "handbook/quarantine.md": {
        "Exit status 4": "test_untruths.py::test_unreachable_host",
    },
    "handbook/replace-host.md": {
        "What was on the dead host":
        "test_host_lost.py::test_host_that_is_cut_off_is_given_up",
        "the port stays `unknown`":
        "test_unheard.py::test_host_that_is_cut_off",
    },
    "handbook/shadow-to-enforce.md": {
        "has no ports": "test_untruths.py::test_warnings_of_nothing",
    },
    "handbook/virtual-ip.md": {
        "matches no port": "test_untruths.py::test_warnings_of_nothing",
    },
    "handbook/way-outside.md": {
        "has warned": "test_untruths.py::test_warnings_of_nothing",
        "warns that a host cannot be the gateway":
        "test_standby.py::test_standby_that_could_not_stand_in_is_named",
    },
    "monitoring.md": {
        "| `Vmn": ALERTS,
        "`up`, `unknown`": "test_paths.py::test_only_while_it_is_asked_for",
        "one tells the end": "test_paths.py::test_a_path_breaks_and_recovers",
        "comes back `unknown`": "../unit/test-path-measuring.c::"
        "what_is_not_proven_for_long_is_unknown",
        "`vmnctl status` exits with 0":
        "test_unheard.py::test_host_whose_database_has_ended",
        "| `starting`": HEALTH + "start_and_store_are_failures",
        "| `writer`": HEALTH + "without_a_writer_changes_wait",
        "| `store`": HEALTH + "store_that_fails_is_told",
        "| `hosts`": HEALTH + "hosts_degrade_unless_none_is_there",
        "| `gateways`": HEALTH + "router_without_a_gateway_is_told",
        "| `standby`":
        "test_standby.py::test_standby_that_could_not_stand_in_is_named",
        "| `paths`":
        "test_untruths.py::test_trace_over_a_failed_path_is_unreachable",
        "| `members`": "test_cluster_standby.py::test_dead_member_is_away",
        "| `lag`": HEALTH + "synced_host_that_lags_is_told",
        "| `disk`": HEALTH + "full_disk_is_told",
        "| `files`": HEALTH + "open_files_that_run_out_are_reported",
        "| `app`": "test_untruths.py::test_object_of_a_failed_app",
        "| `failed`": "test_untruths.py::test_object_of_a_failed_app",
        "| `late`": "test_app_delays.py::"
        "test_stopped_process_delays_no_other_change",
        "| `conflict`, `overlap`": "test_quarrel.py::"
        "test_first_by_name_has_it_whoever_came_first",
        "| `unchecked`": "../unit/test-overlaps.c::"
        "a_search_that_is_cut_short_says_so",
        "| `certificates`":
        "test_attacks_pki.py::test_one_ca_for_all_is_pointed_out",
        "expires within 14 days":
        "test_auth.py::test_certificates_are_renewed",
        "| `quota`": HEALTH + "quota_that_is_exceeded_is_told",
        "| `balancers`":
        "test_monitoring.py::test_what_needs_attention_is_named",
        "| `guests`": "test_monitors.py::test_ipv6_alone",
        "| `subnets`":
        "test_monitoring.py::test_what_needs_attention_is_named",
        "no `vmnd` answers": ALERTS, "the state itself": ALERTS,
        "which only Prometheus has": ALERTS, "for information": ALERTS,
        "`failing` means that changes are not stored":
        HEALTH + "failures_come_first",
        "is watched (`VmnDiskFilling`)":
        "test_cluster_members.py::test_disk_of_the_database_is_watched",
        "From 91 % on": "../unit/test-ctl-cluster.c::disks_that_fill_are_told",
        "| `vmn_ports_monitored`": "test_monitors.py::"
        "test_a_guest_falls_silent_and_answers_again",
    },
}
