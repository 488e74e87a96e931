# SPDX-License-Identifier: Apache-2.0
# Unit tests: one cmocka program per module, tests/unit/test-NAME of
# tests/unit/test-NAME.c.
#
# To add one, add its name to the list below that fits; in most cases this is
# UNIT_TESTS.  What several programs share (a fixture) goes to the sources of
# libfixture.a, of which each program gets the objects that it uses.  Nothing
# else is to be written: GNU make's variables of targets give the programs of
# a list what they have in common.
UNIT_LIBS = tests/unit/libfixture.a $(VMN_LIBS) $(CMOCKA_LIBS)

# What is linked with a program of tests/ that does not say otherwise.
LDADD = $(UNIT_LIBS)

# Programs that need nothing but the libraries.
UNIT_TESTS = \
	tests/unit/test-admission \
	tests/unit/test-advice \
	tests/unit/test-api-doc \
	tests/unit/test-apphost \
	tests/unit/test-asked-pointer \
	tests/unit/test-attacks-api \
	tests/unit/test-batch-text \
	tests/unit/test-batching \
	tests/unit/test-binding-decision \
	tests/unit/test-cluster-db \
	tests/unit/test-commit \
	tests/unit/test-commit-activity \
	tests/unit/test-commit-numbers \
	tests/unit/test-commit-follow \
	tests/unit/test-commit-plan \
	tests/unit/test-cover \
	tests/unit/test-dns \
	tests/unit/test-engine \
	tests/unit/test-engine-dependencies \
	tests/unit/test-engine-flows \
	tests/unit/test-engine-hosts \
	tests/unit/test-fiber \
	tests/unit/test-fqdn-addresses \
	tests/unit/test-fqdn-wildcards \
	tests/unit/test-fqdns \
	tests/unit/test-gathering \
	tests/unit/test-group-message \
	tests/unit/test-guest-attacks \
	tests/unit/test-guest-http \
	tests/unit/test-health-state \
	tests/unit/test-histogram \
	tests/unit/test-host-db \
	tests/unit/test-host-db-bindings \
	tests/unit/test-host-db-copies \
	tests/unit/test-host-db-guests \
	tests/unit/test-host-db-ports \
	tests/unit/test-host-db-telemetry \
	tests/unit/test-host-db-underlay \
	tests/unit/test-host-db-unheard \
	tests/unit/test-http \
	tests/unit/test-http-limits \
	tests/unit/test-http-login \
	tests/unit/test-http-parse \
	tests/unit/test-http-tls \
	tests/unit/test-id-pools \
	tests/unit/test-json-slice \
	tests/unit/test-kept-flows \
	tests/unit/test-lease \
	tests/unit/test-leases-told \
	tests/unit/test-live-limits \
	tests/unit/test-load-monitor \
	tests/unit/test-loop \
	tests/unit/test-loop-poll \
	tests/unit/test-loosening \
	tests/unit/test-model \
	tests/unit/test-model-bounds \
	tests/unit/test-model-cascades \
	tests/unit/test-model-drafts \
	tests/unit/test-model-health \
	tests/unit/test-model-refusals \
	tests/unit/test-model-routers \
	tests/unit/test-model-state \
	tests/unit/test-model-warnings \
	tests/unit/test-nd \
	tests/unit/test-neighbour-requests \
	tests/unit/test-number-table \
	tests/unit/test-ofpacket \
	tests/unit/test-openflow \
	tests/unit/test-openflow-dump \
	tests/unit/test-openflow-handshake \
	tests/unit/test-options \
	tests/unit/test-other-members \
	tests/unit/test-overlaps \
	tests/unit/test-ownership \
	tests/unit/test-own-declarations \
	tests/unit/test-own-schema \
	tests/unit/test-own-types \
	tests/unit/test-past-times \
	tests/unit/test-ovsdb \
	tests/unit/test-ovsdb-config \
	tests/unit/test-ovsdb-copies \
	tests/unit/test-ovsdb-frame \
	tests/unit/test-ovsdb-handshake \
	tests/unit/test-ovsdb-inbound \
	tests/unit/test-ovsdb-managers \
	tests/unit/test-ovsdb-peers \
	tests/unit/test-ovsdb-relay \
	tests/unit/test-ovsdb-removal \
	tests/unit/test-ovsdb-zones \
	tests/unit/test-oxm \
	tests/unit/test-placement \
	tests/unit/test-pair-log \
	tests/unit/test-pair-names \
	tests/unit/test-pair-reading \
	tests/unit/test-plan \
	tests/unit/test-probe \
	tests/unit/test-probe-target \
	tests/unit/test-probe-http \
	tests/unit/test-paths \
	tests/unit/test-path-measuring \
	tests/unit/test-prober \
	tests/unit/test-prober-drain \
	tests/unit/test-quota-flows \
	tests/unit/test-quoted-text \
	tests/unit/test-recommend-rules \
	tests/unit/test-reject-message \
	tests/unit/test-relay \
	tests/unit/test-replay-calls \
	tests/unit/test-report-limit \
	tests/unit/test-request-keys \
	tests/unit/test-row-image \
	tests/unit/test-schema \
	tests/unit/test-schema-diff \
	tests/unit/test-schema-refusals \
	tests/unit/test-schema-struct \
	tests/unit/test-schema-unknown \
	tests/unit/test-scope \
	tests/unit/test-selector \
	tests/unit/test-sets \
	tests/unit/test-simulator \
	tests/unit/test-simulator-conntrack \
	tests/unit/test-simulator-lookup \
	tests/unit/test-siphash \
	tests/unit/test-store \
	tests/unit/test-store-authors \
	tests/unit/test-store-batch \
	tests/unit/test-store-changes \
	tests/unit/test-store-faults \
	tests/unit/test-store-file \
	tests/unit/test-store-log \
	tests/unit/test-store-map-hosts \
	tests/unit/test-store-open \
	tests/unit/test-store-restore \
	tests/unit/test-store-retention \
	tests/unit/test-store-revoked \
	tests/unit/test-undo-range \
	tests/unit/test-usage \
	tests/unit/test-verdict \
	tests/unit/test-watchdog \
	tests/unit/test-worker-protocol

# Those that load apps as the daemon does: apps find the engine's side of the
# ABI in the program.
APPS_TESTS = \
	tests/unit/test-all-apps \
	tests/unit/test-app-pages \
	tests/unit/test-app-worker \
	tests/unit/test-app-worker-ends \
	tests/unit/test-app-worker-late \
	tests/unit/test-apps \
	tests/unit/test-dhcp \
	tests/unit/test-dhcp-v6 \
	tests/unit/test-domain \
	tests/unit/test-firewall \
	tests/unit/test-flood \
	tests/unit/test-follow-apps \
	tests/unit/test-fqdn-rules \
	tests/unit/test-gateway \
	tests/unit/test-gateway-announce \
	tests/unit/test-handler-counts \
	tests/unit/test-loadbalancer \
	tests/unit/test-live-apps \
	tests/unit/test-live-trace \
	tests/unit/test-lua-app \
	tests/unit/test-open-services \
	tests/unit/test-own-fields \
	tests/unit/test-own-rights \
	tests/unit/test-overlay-v6 \
	tests/unit/test-reachability \
	tests/unit/test-metadata \
	tests/unit/test-mirrors \
	tests/unit/test-qos-rules \
	tests/unit/test-router \
	tests/unit/test-router-errors \
	tests/unit/test-rule-windows \
	tests/unit/test-secrets \
	tests/unit/test-segments \
	tests/unit/test-trace \
	tests/unit/test-trace-outside \
	tests/unit/test-withdrawals
$(APPS_TESTS): | $(app_LTLIBRARIES) vmn-app-worker
$(APPS_TESTS): private AM_LDFLAGS += $(VMN_EXPORTS) $(VMN_WHOLE)

# Those of vmnctl.
CTL_TESTS = \
	tests/unit/test-ctl \
	tests/unit/test-ctl-apply \
	tests/unit/test-ctl-archive \
	tests/unit/test-ctl-changes \
	tests/unit/test-ctl-cluster \
	tests/unit/test-ctl-columns \
	tests/unit/test-ctl-describe \
	tests/unit/test-ctl-diagnose \
	tests/unit/test-ctl-drafts \
	tests/unit/test-ctl-edit \
	tests/unit/test-ctl-get \
	tests/unit/test-ctl-habits \
	tests/unit/test-ctl-log \
	tests/unit/test-ctl-policy \
	tests/unit/test-ctl-servers \
	tests/unit/test-ctl-trace \
	tests/unit/test-ctl-yaml \
	tests/unit/test-pcapng
$(CTL_TESTS): controller/ctl/libctl.a
$(CTL_TESTS): private LDADD = tests/unit/libfixture.a $(CTL_LIBS) \
	$(CMOCKA_LIBS)

# Those of the fabric, without a host's database: tests/unit/fake-db.c takes
# its place in the library.
FABRIC_TESTS = \
	tests/unit/test-addresses-seen \
	tests/unit/test-client \
	tests/unit/test-counted-flows \
	tests/unit/test-fabric-acks \
	tests/unit/test-fields \
	tests/unit/test-fabric-observe \
	tests/unit/test-fabric-audit \
	tests/unit/test-fabric-counters \
	tests/unit/test-fabric-deleted \
	tests/unit/test-fabric-rejected \
	tests/unit/test-fabric-live \
	tests/unit/test-fabric-receipts \
	tests/unit/test-fabric-reconcile \
	tests/unit/test-fabric-resume \
	tests/unit/test-fabric-samples \
	tests/unit/test-fabric-send \
	tests/unit/test-packets \
	tests/unit/test-packets-limits \
	tests/unit/test-switch-parts

# The same with apps.  Not all of libvmn, of which they have a part of their
# own; but what apps alone use.
FABRIC_APPS_TESTS = \
	tests/unit/test-fabric-ovs \
	tests/unit/test-fabric-ovs-tls \
	tests/unit/test-health-commit
FABRIC_APPS_LINK = -Wl,--export-dynamic \
	-Wl,--undefined=vmn_act_ct \
	-Wl,--undefined=vmn_arp_nd_respond \
	-Wl,--undefined=vmn_prefix_text \
	-Wl,--whole-archive,proto/libproto.a,--no-whole-archive
$(FABRIC_APPS_TESTS): | $(app_LTLIBRARIES)
$(FABRIC_APPS_TESTS): private AM_LDFLAGS += $(FABRIC_APPS_LINK)
$(FABRIC_TESTS) $(FABRIC_APPS_TESTS): tests/unit/libfakedb.a
$(FABRIC_TESTS) $(FABRIC_APPS_TESTS): private LDADD = \
	-Wl,--whole-archive,tests/unit/libfakedb.a,--no-whole-archive \
	$(UNIT_LIBS)

# Those of the northbound, with tests/unit/northbound-fabric.c in the place of
# the fabric.
NORTHBOUND_TESTS = \
	tests/unit/test-error \
	tests/unit/test-event-scope \
	tests/unit/test-event-streams \
	tests/unit/test-events \
	tests/unit/test-northbound \
	tests/unit/test-northbound-apply \
	tests/unit/test-northbound-deferred \
	tests/unit/test-northbound-described \
	tests/unit/test-northbound-hits \
	tests/unit/test-northbound-key \
	tests/unit/test-northbound-log \
	tests/unit/test-northbound-member \
	tests/unit/test-northbound-placement \
	tests/unit/test-northbound-reads \
	tests/unit/test-northbound-recommend \
	tests/unit/test-northbound-traffic \
	tests/unit/test-northbound-undo \
	tests/unit/test-northbound-usage \
	tests/unit/test-northbound-warnings \
	tests/unit/test-system-health
$(NORTHBOUND_TESTS): tests/unit/libnofabric.a
$(NORTHBOUND_TESTS): private LDADD = \
	-Wl,--whole-archive,tests/unit/libnofabric.a,--no-whole-archive \
	$(UNIT_LIBS)

# Those of names in DNS, without libfixture.a: tests/unit/fqdns-fixture.c
# there takes the place of the resolver.
RESOLVER_TESTS = tests/unit/test-resolver
$(RESOLVER_TESTS): private LDADD = $(VMN_LIBS) $(CMOCKA_LIBS)

# Those of calls of web servers.  What they share takes the place of
# getaddrinfo() and connect(), which no other program may be given.
WEBHOOK_TESTS = \
	tests/unit/test-webhook \
	tests/unit/test-webhook-names \
	tests/unit/test-webhook-replies \
	tests/unit/test-webhook-tls \
	tests/unit/test-webhook-url
$(WEBHOOK_TESTS): tests/unit/libwebhook.a
# And one that says which addresses the machine has.
INTERFACE_TESTS = tests/unit/test-webhook-names
$(INTERFACE_TESTS): private AM_LDFLAGS += \
	-Wl,--wrap=getifaddrs -Wl,--wrap=freeifaddrs
$(WEBHOOK_TESTS): private LDADD = tests/unit/libwebhook.a $(UNIT_LIBS)

# Those that count comparisons of texts, by __wrap_strcmp().
COMPARING_TESTS = \
	tests/unit/test-hash-flooding
$(COMPARING_TESTS): private AM_LDFLAGS += -Wl,--wrap=strcmp

# Those that say what time it is, by __wrap_loop_now_ms().
CLOCK_TESTS = \
	tests/unit/test-ovsdb-listener
$(CLOCK_TESTS): private AM_LDFLAGS += -Wl,--wrap=loop_now_ms
# Those that say it by __wrap_time_msec().
TIME_TESTS = \
	tests/unit/test-admission \
	tests/unit/test-fabric-samples \
	tests/unit/test-worker-protocol
$(TIME_TESTS): private AM_LDFLAGS += -Wl,--wrap=time_msec
# And by __wrap_time_usec().
USEC_TESTS = \
	tests/unit/test-path-measuring
$(USEC_TESTS): private AM_LDFLAGS += -Wl,--wrap=time_usec

# Those that say whether the kernel has Landlock, by
# __wrap_worker_files_are_confined().
CONFINED_TESTS = \
	tests/unit/test-app-worker
$(CONFINED_TESTS): private AM_LDFLAGS += \
	-Wl,--wrap=worker_files_are_confined

# Those that say which revisions an app is late with, by
# __wrap_engine_late_app().
LATE_TESTS = \
	tests/unit/test-fabric-receipts
$(LATE_TESTS): private AM_LDFLAGS += -Wl,--wrap=engine_late_app

# Those of a member by itself, with tests/unit/cluster-fixture.h in the place
# of the time, of its timer and of the database.
CLUSTER_TESTS = \
	tests/unit/test-cluster-hand-over \
	tests/unit/test-cluster-standby
CLUSTER_DB_WRAPS = \
	-Wl,--wrap=cluster_db_create \
	-Wl,--wrap=cluster_db_destroy \
	-Wl,--wrap=cluster_db_set_applied \
	-Wl,--wrap=cluster_db_transact \
	-Wl,--wrap=cluster_db_view \
	-Wl,--wrap=event_add \
	-Wl,--wrap=loop_now_ms
$(CLUSTER_TESTS): tests/unit/libcluster.a
$(CLUSTER_TESTS): private LDADD = tests/unit/libcluster.a $(UNIT_LIBS)
$(CLUSTER_TESTS): private AM_LDFLAGS += $(CLUSTER_DB_WRAPS)

# Those of paths, with tests/unit/paths-fixture.c in the place of other rooms.
$(USEC_TESTS): tests/unit/libpaths.a
$(USEC_TESTS): private LDADD = \
	-Wl,--whole-archive,tests/unit/libpaths.a,--no-whole-archive \
	$(UNIT_LIBS)

# Those that say what the client may see, by __wrap_nb_rights().
RIGHTS_TESTS = \
	tests/unit/test-northbound-placement
$(RIGHTS_TESTS): private AM_LDFLAGS += -Wl,--wrap=nb_rights

# Those that speak for the cluster.
CLUSTER_WRAPS = \
	-Wl,--wrap=cluster_age_s \
	-Wl,--wrap=cluster_can_relay \
	-Wl,--wrap=cluster_get_disk \
	-Wl,--wrap=cluster_get_status \
	-Wl,--wrap=cluster_is_connected \
	-Wl,--wrap=cluster_pass_on \
	-Wl,--wrap=cluster_tls \
	-Wl,--wrap=http_request_is_relayed
MEMBER_TESTS = \
	tests/unit/test-northbound-member
$(MEMBER_TESTS): private LDADD = \
	-Wl,--whole-archive,tests/unit/libnofabric.a,--no-whole-archive \
	$(UNIT_LIBS)
$(MEMBER_TESTS): private AM_LDFLAGS += $(CLUSTER_WRAPS)

check_LIBRARIES += tests/unit/libcluster.a tests/unit/libfixture.a \
	tests/unit/libfakedb.a tests/unit/libnofabric.a \
	tests/unit/libpaths.a \
	tests/unit/libwebhook.a
tests_unit_libcluster_a_SOURCES = \
	tests/unit/cluster-fake-db.c \
	tests/unit/cluster-fake-db.h \
	tests/unit/cluster-fixture.c \
	tests/unit/cluster-fixture.h
tests_unit_libpaths_a_SOURCES = \
	tests/unit/paths-fixture.c \
	tests/unit/paths-fixture.h
tests_unit_libwebhook_a_SOURCES = \
	tests/unit/webhook-fixture.c \
	tests/unit/webhook-fixture.h
tests_unit_libfixture_a_SOURCES = \
	tests/unit/advice-fixture.c \
	tests/unit/advice-fixture.h \
	tests/unit/app-loader.c \
	tests/unit/app-loader.h \
	tests/unit/app-worker-fixture.c \
	tests/unit/app-worker-fixture.h \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/own-fields-tables.h \
	tests/unit/apps-rows.h \
	tests/unit/apps-scenario.c \
	tests/unit/apps-scenario.h \
	tests/unit/commit-fixture.c \
	tests/unit/commit-fixture.h \
	tests/unit/ctl-fixture.c \
	tests/unit/ctl-fixture.h \
	tests/unit/dhcp-fixture.c \
	tests/unit/dhcp-fixture.h \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fabric-hosts.c \
	tests/unit/fabric-hosts.h \
	tests/unit/fabric-ovs-fixture.c \
	tests/unit/fabric-ovs-fixture.h \
	tests/unit/fake-switch-bundles.c \
	tests/unit/fake-switch-meters.c \
	tests/unit/fake-switch-observed.c \
	tests/unit/fake-switch-private.h \
	tests/unit/fake-switch-tables.c \
	tests/unit/fake-switch.c \
	tests/unit/fake-switch.h \
	tests/unit/fault-vfs.c \
	tests/unit/fault-vfs.h \
	tests/unit/fqdns-fixture.c \
	tests/unit/fqdns-fixture.h \
	tests/unit/guest-client.c \
	tests/unit/guest-client.h \
	tests/unit/host-db-fixture.c \
	tests/unit/host-db-fixture.h \
	tests/unit/http-client.c \
	tests/unit/http-client.h \
	tests/unit/http-fixture.c \
	tests/unit/http-fixture.h \
	tests/unit/listening.c \
	tests/unit/listening.h \
	tests/unit/loop-help.c \
	tests/unit/loop-help.h \
	tests/unit/model-fixture.c \
	tests/unit/model-fixture.h \
	tests/unit/model-util.c \
	tests/unit/model-util.h \
	tests/unit/openflow-fixture.c \
	tests/unit/openflow-fixture.h \
	tests/unit/ovs-sandbox.c \
	tests/unit/ovs-sandbox.h \
	tests/unit/ovs-text.c \
	tests/unit/ovs-text.h \
	tests/unit/ovsdb-fixture.c \
	tests/unit/ovsdb-fixture.h \
	tests/unit/packets-fixture.c \
	tests/unit/packets-fixture.h \
	tests/unit/probe-fixture.c \
	tests/unit/probe-fixture.h \
	tests/unit/prober-fixture.c \
	tests/unit/prober-fixture.h \
	tests/unit/random-calls.h \
	tests/unit/recorded-calls.c \
	tests/unit/recorded-calls.h \
	tests/unit/relay-fixture.c \
	tests/unit/relay-fixture.h \
	tests/unit/schema-fixture.c \
	tests/unit/schema-fixture.h \
	tests/unit/simulator-fixture.c \
	tests/unit/simulator-fixture.h \
	tests/unit/store-file-fixture.c \
	tests/unit/store-file-fixture.h \
	tests/unit/store-fixture.c \
	tests/unit/store-fixture.h \
	tests/unit/toy-app.h \
	tests/unit/toy-fixture.c \
	tests/unit/toy-fixture.h \
	tests/unit/trace-fixture.c \
	tests/unit/trace-fixture.h \
	tests/unit/turn-until.h
tests_unit_libfakedb_a_SOURCES = tests/unit/fake-db.c tests/unit/fake-db.h
tests_unit_libnofabric_a_SOURCES = \
	tests/unit/events-fixture.c \
	tests/unit/events-fixture.h \
	apps/loadbalancer/loadbalancer.h \
	apps/loadbalancer/backend-state.c \
	apps/loadbalancer/vip-mac.c \
	tests/unit/northbound-fabric-traffic.c \
	tests/unit/northbound-fabric.c \
	tests/unit/northbound-fixture.c \
	tests/unit/northbound-fixture.h

ALL_UNIT_TESTS = $(UNIT_TESTS) $(APPS_TESTS) $(CTL_TESTS) $(FABRIC_TESTS) \
	$(FABRIC_APPS_TESTS) $(NORTHBOUND_TESTS) $(WEBHOOK_TESTS) \
	$(CLOCK_TESTS) $(CLUSTER_TESTS) $(COMPARING_TESTS) $(RESOLVER_TESTS)
check_PROGRAMS += $(ALL_UNIT_TESTS)
TESTS += $(ALL_UNIT_TESTS)

# Also of vmnd itself.
tests_unit_test_follow_apps_SOURCES = tests/unit/test-follow-apps.c \
	controller/vmnd-apps.c controller/vmnd.h

# Also of a generator of the documents.
tests_unit_test_group_message_SOURCES = \
	tests/unit/test-group-message.c \
	apps/multicast/group-message.c
tests_unit_test_api_doc_SOURCES = tests/unit/test-api-doc.c \
	build-aux/api-doc.c build-aux/api-doc.h

# Those that read files of the source.
tests/unit/test-all-apps.$(OBJEXT) \
tests/unit/test-api-doc.$(OBJEXT) \
tests/unit/test-app-pages.$(OBJEXT) \
tests/unit/test-cluster-db.$(OBJEXT) \
tests/unit/test-lua-app.$(OBJEXT) \
tests/unit/test-northbound-described.$(OBJEXT) \
tests/unit/test-ovsdb-zones.$(OBJEXT): \
	private AM_CPPFLAGS += -DTEST_SRCDIR='"$(abs_srcdir)"'
EXTRA_DIST += tests/unit/bad-app.lua tests/unit/bad-requests.json

# Builds the example app out of tree and loads it.
TESTS += tests/unit/test-abi
EXTRA_DIST += tests/unit/test-abi
TESTS += tests/unit/test-example-app
EXTRA_DIST += tests/unit/test-example-app

# Holds the names that scripts have against the headers.
TESTS += tests/unit/test-lua-names
EXTRA_DIST += tests/unit/test-lua-names

# Holds the reference of the apps' API against the headers.
TESTS += tests/unit/test-app-reference
EXTRA_DIST += tests/unit/test-app-reference

# An app that does what it must not.  Without sanitizers, which would tell.
check_LTLIBRARIES = tests/unit/bad-app.la
tests_unit_bad_app_la_SOURCES = tests/unit/bad-app.c
tests_unit_bad_app_la_CPPFLAGS = $(APPS_CPP)
tests_unit_bad_app_la_CFLAGS = -std=gnu11 $(VMN_WARN)
tests_unit_bad_app_la_LDFLAGS = -module -avoid-version -shared \
	-rpath $(abs_builddir)/tests/unit
# The same with VMN_APP_WITHDRAW.
check_LTLIBRARIES += tests/unit/bad-app-withdraw.la
tests_unit_bad_app_withdraw_la_SOURCES = tests/unit/bad-app.c
tests_unit_bad_app_withdraw_la_CPPFLAGS = $(APPS_CPP) \
	-DBAD_OPTIONS=VMN_APP_WITHDRAW
tests_unit_bad_app_withdraw_la_CFLAGS = $(tests_unit_bad_app_la_CFLAGS)
tests_unit_bad_app_withdraw_la_LDFLAGS = $(tests_unit_bad_app_la_LDFLAGS)
BAD_APP_TESTS = \
	tests/unit/test-app-worker \
	tests/unit/test-app-worker-ends \
	tests/unit/test-app-worker-late
$(BAD_APP_TESTS): | $(check_LTLIBRARIES)

# A worker that breaks the protocol.  Not in the folder of tests: it is none.
check_PROGRAMS += tests/unit/programs/fake-worker
tests_unit_programs_fake_worker_LDADD = $(UNIT_LIBS) $(SECCOMP_LIBS)
FAKE_WORKER_TESTS = tests/unit/test-worker-protocol
$(FAKE_WORKER_TESTS): | tests/unit/programs/fake-worker$(EXEEXT)
