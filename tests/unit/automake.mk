# Unit tests: one cmocka binary per module.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = $(VMN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-openflow
TESTS += tests/unit/test-openflow
tests_unit_test_openflow_SOURCES = tests/unit/test-openflow.c
tests_unit_test_openflow_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_openflow_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ofpacket
TESTS += tests/unit/test-ofpacket
tests_unit_test_ofpacket_SOURCES = tests/unit/test-ofpacket.c
tests_unit_test_ofpacket_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ofpacket_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-slices
TESTS += tests/unit/test-slices
tests_unit_test_slices_SOURCES = tests/unit/test-slices.c
tests_unit_test_slices_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_slices_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-schema
TESTS += tests/unit/test-schema
tests_unit_test_schema_SOURCES = tests/unit/test-schema.c
tests_unit_test_schema_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_schema_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-oxm
TESTS += tests/unit/test-oxm
tests_unit_test_oxm_SOURCES = tests/unit/test-oxm.c
tests_unit_test_oxm_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_oxm_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-heap
TESTS += tests/unit/test-heap
tests_unit_test_heap_SOURCES = tests/unit/test-heap.c
tests_unit_test_heap_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_heap_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ovsdb-opening
TESTS += tests/unit/test-ovsdb-opening
tests_unit_test_ovsdb_opening_SOURCES = tests/unit/test-ovsdb-opening.c
tests_unit_test_ovsdb_opening_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ovsdb_opening_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-selector
TESTS += tests/unit/test-selector
tests_unit_test_selector_SOURCES = tests/unit/test-selector.c
tests_unit_test_selector_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_selector_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-sets
TESTS += tests/unit/test-sets
tests_unit_test_sets_SOURCES = tests/unit/test-sets.c
tests_unit_test_sets_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sets_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-http tests/unit/test-http-parse
TESTS += tests/unit/test-http tests/unit/test-http-parse
tests_unit_test_http_SOURCES = tests/unit/test-http.c \
	tests/unit/http-client.c tests/unit/http-client.h
tests_unit_test_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_LDADD = $(UNIT_LIBS)
tests_unit_test_http_parse_SOURCES = tests/unit/test-http-parse.c
tests_unit_test_http_parse_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_parse_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ctl-yaml
tests_unit_test_ctl_yaml_SOURCES = tests/unit/test-ctl-yaml.c
tests_unit_test_ctl_yaml_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_yaml_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl-yaml

check_PROGRAMS += tests/unit/test-ctl
tests_unit_test_ctl_SOURCES = tests/unit/test-ctl.c
tests_unit_test_ctl_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl
LOOP_HELP = tests/unit/loop-help.c tests/unit/loop-help.h

check_PROGRAMS += tests/unit/test-loop
TESTS += tests/unit/test-loop
tests_unit_test_loop_SOURCES = tests/unit/test-loop.c $(LOOP_HELP)
tests_unit_test_loop_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_loop_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-loop-poll
TESTS += tests/unit/test-loop-poll
tests_unit_test_loop_poll_SOURCES = tests/unit/test-loop-poll.c $(LOOP_HELP)
tests_unit_test_loop_poll_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_loop_poll_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-options
TESTS += tests/unit/test-options
tests_unit_test_options_SOURCES = tests/unit/test-options.c
tests_unit_test_options_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_options_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-numbers
TESTS += tests/unit/test-numbers
tests_unit_test_numbers_SOURCES = tests/unit/test-numbers.c
tests_unit_test_numbers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_numbers_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-model
TESTS += tests/unit/test-model
tests_unit_test_model_SOURCES = tests/unit/test-model.c \
	tests/unit/model-util.c tests/unit/model-util.h
tests_unit_test_model_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_model_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-northbound
TESTS += tests/unit/test-northbound
tests_unit_test_northbound_SOURCES = tests/unit/test-northbound.c \
	tests/unit/http-client.c tests/unit/http-client.h
tests_unit_test_northbound_CFLAGS = $(UNIT_CFLAGS) \
	-DTEST_SRCDIR='"$(abs_srcdir)"'
tests_unit_test_northbound_LDADD = $(UNIT_LIBS)
EXTRA_DIST += tests/unit/bad-requests.json
OVS_SANDBOX = tests/unit/ovs-sandbox.c tests/unit/ovs-sandbox.h

check_PROGRAMS += tests/unit/test-ovsdb-frame
TESTS += tests/unit/test-ovsdb-frame
tests_unit_test_ovsdb_frame_SOURCES = tests/unit/test-ovsdb-frame.c
tests_unit_test_ovsdb_frame_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ovsdb_frame_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ovsdb
TESTS += tests/unit/test-ovsdb
tests_unit_test_ovsdb_SOURCES = tests/unit/test-ovsdb.c $(OVS_SANDBOX)
tests_unit_test_ovsdb_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ovsdb_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ovsdb-relay
TESTS += tests/unit/test-ovsdb-relay
tests_unit_test_ovsdb_relay_SOURCES = tests/unit/test-ovsdb-relay.c
tests_unit_test_ovsdb_relay_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ovsdb_relay_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-apphost
TESTS += tests/unit/test-apphost
tests_unit_test_apphost_SOURCES = tests/unit/test-apphost.c
tests_unit_test_apphost_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_apphost_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-plan
TESTS += tests/unit/test-plan
tests_unit_test_plan_SOURCES = tests/unit/test-plan.c tests/unit/toy-app.h
tests_unit_test_plan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_plan_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-engine
TESTS += tests/unit/test-engine
tests_unit_test_engine_SOURCES = tests/unit/test-engine.c tests/unit/toy-app.h
tests_unit_test_engine_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_engine_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-commit
TESTS += tests/unit/test-commit
tests_unit_test_commit_SOURCES = tests/unit/test-commit.c tests/unit/toy-app.h
tests_unit_test_commit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_commit_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-pace
TESTS += tests/unit/test-pace
tests_unit_test_pace_SOURCES = tests/unit/test-pace.c
tests_unit_test_pace_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_pace_LDADD = $(UNIT_LIBS)

FABRIC_TEST_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fabric-hosts.c \
	tests/unit/fabric-hosts.h \
	tests/unit/fake-db.c \
	tests/unit/fake-switch.c \
	tests/unit/fake-switch.h \
	tests/unit/toy-app.h

check_PROGRAMS += tests/unit/test-fabric-reconcile
TESTS += tests/unit/test-fabric-reconcile
tests_unit_test_fabric_reconcile_SOURCES = tests/unit/test-fabric-reconcile.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_reconcile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_reconcile_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-send
TESTS += tests/unit/test-fabric-send
tests_unit_test_fabric_send_SOURCES = tests/unit/test-fabric-send.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_send_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_send_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-faults
TESTS += tests/unit/test-fabric-faults
tests_unit_test_fabric_faults_SOURCES = tests/unit/test-fabric-faults.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_faults_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_faults_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-audit
TESTS += tests/unit/test-fabric-audit
tests_unit_test_fabric_audit_SOURCES = tests/unit/test-fabric-audit.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_audit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_audit_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-packets
TESTS += tests/unit/test-packets
tests_unit_test_packets_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fake-db.c \
	tests/unit/fake-switch.c \
	tests/unit/fake-switch.h \
	tests/unit/test-packets.c \
	tests/unit/toy-app.h
tests_unit_test_packets_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_packets_LDADD = $(UNIT_LIBS)

# The apps are loaded as the daemon loads them: they find the engine's side of
# the ABI in the program.
check_PROGRAMS += tests/unit/test-apps
TESTS += tests/unit/test-apps
tests_unit_test_apps_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-apps.c
tests_unit_test_apps_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_apps_LDADD = $(UNIT_LIBS)
tests_unit_test_apps_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_apps_DEPENDENCIES = $(app_LTLIBRARIES)

# Builds the example app out of tree and loads it.
TESTS += tests/unit/test-example-app
EXTRA_DIST += tests/unit/test-example-app

check_PROGRAMS += tests/unit/test-store-file
TESTS += tests/unit/test-store-file
tests_unit_test_store_file_SOURCES = tests/unit/test-store-file.c \
	tests/unit/model-util.c tests/unit/model-util.h
tests_unit_test_store_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_file_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-store
TESTS += tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c \
	tests/unit/fault-vfs.c tests/unit/fault-vfs.h \
	tests/unit/model-util.c tests/unit/model-util.h
tests_unit_test_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_LDADD = $(UNIT_LIBS)

# Against a real ovs-vswitchd, with the built apps.
check_PROGRAMS += tests/unit/test-fabric-ovs
TESTS += tests/unit/test-fabric-ovs
tests_unit_test_fabric_ovs_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fake-db.c \
	tests/unit/test-fabric-ovs.c \
	tests/unit/toy-app.h
tests_unit_test_fabric_ovs_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_ovs_LDADD = $(UNIT_LIBS)
tests_unit_test_fabric_ovs_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic
EXTRA_tests_unit_test_fabric_ovs_DEPENDENCIES = $(app_LTLIBRARIES)
EXTRA_DIST += tests/unit/bad-requests.json docs/api.md

check_PROGRAMS += tests/unit/test-bindings
TESTS += tests/unit/test-bindings
tests_unit_test_bindings_SOURCES = tests/unit/test-bindings.c
tests_unit_test_bindings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_bindings_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-host-db
TESTS += tests/unit/test-host-db
tests_unit_test_host_db_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/test-host-db.c \
	tests/unit/toy-app.h \
	$(OVS_SANDBOX)
tests_unit_test_host_db_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_host_db_LDADD = $(UNIT_LIBS)
