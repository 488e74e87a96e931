# Unit tests: one cmocka binary per module.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = $(VMN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-api-doc
TESTS += tests/unit/test-api-doc
tests_unit_test_api_doc_SOURCES = tests/unit/test-api-doc.c \
	build-aux/api-doc.c build-aux/api-doc.h
tests_unit_test_api_doc_CFLAGS = $(UNIT_CFLAGS) \
	-DTEST_SRCDIR='"$(abs_srcdir)"'
tests_unit_test_api_doc_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-openflow
TESTS += tests/unit/test-openflow
tests_unit_test_openflow_SOURCES = tests/unit/test-openflow.c
tests_unit_test_openflow_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_openflow_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-siphash
TESTS += tests/unit/test-siphash
tests_unit_test_siphash_SOURCES = tests/unit/test-siphash.c
tests_unit_test_siphash_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_siphash_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-admission
TESTS += tests/unit/test-admission
tests_unit_test_admission_SOURCES = tests/unit/test-admission.c
tests_unit_test_admission_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_admission_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ofpacket
TESTS += tests/unit/test-ofpacket
tests_unit_test_ofpacket_SOURCES = tests/unit/test-ofpacket.c
tests_unit_test_ofpacket_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ofpacket_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-nd
TESTS += tests/unit/test-nd
tests_unit_test_nd_SOURCES = tests/unit/test-nd.c
tests_unit_test_nd_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_nd_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-probe
TESTS += tests/unit/test-probe
tests_unit_test_probe_SOURCES = tests/unit/test-probe.c
tests_unit_test_probe_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_probe_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-health
TESTS += tests/unit/test-health
tests_unit_test_health_SOURCES = tests/unit/test-health.c
tests_unit_test_health_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_health_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-refusal
TESTS += tests/unit/test-refusal
tests_unit_test_refusal_SOURCES = tests/unit/test-refusal.c
tests_unit_test_refusal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_refusal_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fiber
TESTS += tests/unit/test-fiber
tests_unit_test_fiber_SOURCES = tests/unit/test-fiber.c
tests_unit_test_fiber_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fiber_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-histogram
TESTS += tests/unit/test-histogram
tests_unit_test_histogram_SOURCES = tests/unit/test-histogram.c
tests_unit_test_histogram_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_histogram_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-cover
TESTS += tests/unit/test-cover
tests_unit_test_cover_SOURCES = \
	tests/unit/model-util.c \
	tests/unit/model-util.h \
	tests/unit/test-cover.c
tests_unit_test_cover_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_cover_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-usage
TESTS += tests/unit/test-usage
tests_unit_test_usage_SOURCES = \
	tests/unit/model-util.c \
	tests/unit/model-util.h \
	tests/unit/test-usage.c
tests_unit_test_usage_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_usage_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test-sets
TESTS += tests/unit/test-sets
tests_unit_test_sets_SOURCES = tests/unit/test-sets.c
tests_unit_test_sets_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_sets_LDADD = $(UNIT_LIBS)
HTTP_TESTS = tests/unit/test-http tests/unit/test-http-limits \
	tests/unit/test-http-login tests/unit/test-http-parse \
	tests/unit/test-http-tls
HTTP_FIXTURE = tests/unit/http-client.c tests/unit/http-client.h \
	tests/unit/http-fixture.c tests/unit/http-fixture.h
check_PROGRAMS += $(HTTP_TESTS)
TESTS += $(HTTP_TESTS)
tests_unit_test_http_SOURCES = tests/unit/test-http.c $(HTTP_FIXTURE)
tests_unit_test_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_LDADD = $(UNIT_LIBS)
tests_unit_test_http_limits_SOURCES = tests/unit/test-http-limits.c \
	$(HTTP_FIXTURE)
tests_unit_test_http_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_limits_LDADD = $(UNIT_LIBS)
tests_unit_test_http_login_SOURCES = tests/unit/test-http-login.c \
	$(HTTP_FIXTURE)
tests_unit_test_http_login_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_login_LDADD = $(UNIT_LIBS)
tests_unit_test_http_tls_SOURCES = tests/unit/test-http-tls.c \
	$(HTTP_FIXTURE)
tests_unit_test_http_tls_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_tls_LDADD = $(UNIT_LIBS)
tests_unit_test_http_parse_SOURCES = tests/unit/test-http-parse.c
tests_unit_test_http_parse_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_http_parse_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-webhook
TESTS += tests/unit/test-webhook
tests_unit_test_webhook_SOURCES = tests/unit/test-webhook.c
tests_unit_test_webhook_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_webhook_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-load
TESTS += tests/unit/test-load
tests_unit_test_load_SOURCES = \
	tests/unit/model-util.c \
	tests/unit/model-util.h \
	tests/unit/test-load.c
tests_unit_test_load_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_load_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ctl-yaml
tests_unit_test_ctl_yaml_SOURCES = tests/unit/test-ctl-yaml.c
tests_unit_test_ctl_yaml_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_yaml_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl-yaml

CTL_FIXTURE = tests/unit/ctl-fixture.c tests/unit/ctl-fixture.h

check_PROGRAMS += tests/unit/test-ctl
tests_unit_test_ctl_SOURCES = tests/unit/test-ctl.c $(CTL_FIXTURE)
tests_unit_test_ctl_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl

check_PROGRAMS += tests/unit/test-ctl-describe
tests_unit_test_ctl_describe_SOURCES = tests/unit/test-ctl-describe.c \
	$(CTL_FIXTURE)
tests_unit_test_ctl_describe_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_describe_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl-describe

check_PROGRAMS += tests/unit/test-ctl-edit
tests_unit_test_ctl_edit_SOURCES = tests/unit/test-ctl-edit.c $(CTL_FIXTURE)
tests_unit_test_ctl_edit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ctl_edit_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl-edit

check_PROGRAMS += tests/unit/test-ctl-bundle
tests_unit_test_ctl_bundle_SOURCES = tests/unit/test-ctl-bundle.c \
	$(CTL_FIXTURE)
tests_unit_test_ctl_bundle_CFLAGS = $(UNIT_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_test_ctl_bundle_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test-ctl-bundle

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

check_PROGRAMS += tests/unit/test-id-pools
TESTS += tests/unit/test-id-pools
tests_unit_test_id_pools_SOURCES = tests/unit/test-id-pools.c
tests_unit_test_id_pools_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_id_pools_LDADD = $(UNIT_LIBS)

MODEL_FIXTURE = tests/unit/model-fixture.c tests/unit/model-fixture.h \
	tests/unit/model-util.c tests/unit/model-util.h

check_PROGRAMS += tests/unit/test-model
TESTS += tests/unit/test-model
tests_unit_test_model_SOURCES = tests/unit/test-model.c $(MODEL_FIXTURE)
tests_unit_test_model_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_model_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-model-refusals
TESTS += tests/unit/test-model-refusals
tests_unit_test_model_refusals_SOURCES = tests/unit/test-model-refusals.c $(MODEL_FIXTURE)
tests_unit_test_model_refusals_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_model_refusals_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-model-state
TESTS += tests/unit/test-model-state
tests_unit_test_model_state_SOURCES = tests/unit/test-model-state.c $(MODEL_FIXTURE)
tests_unit_test_model_state_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_model_state_LDADD = $(UNIT_LIBS)

NORTHBOUND_FIXTURE = tests/unit/northbound-fixture.c \
	apps/loadbalancer/loadbalancer.h apps/loadbalancer/backend-state.c \
	tests/unit/northbound-fixture.h \
	tests/unit/http-client.c tests/unit/http-client.h

check_PROGRAMS += tests/unit/test-northbound
TESTS += tests/unit/test-northbound
tests_unit_test_northbound_SOURCES = tests/unit/test-northbound.c \
	$(NORTHBOUND_FIXTURE)
tests_unit_test_northbound_CFLAGS = $(UNIT_CFLAGS) \
	-DTEST_SRCDIR='"$(abs_srcdir)"'
tests_unit_test_northbound_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-northbound-ask
TESTS += tests/unit/test-northbound-ask
tests_unit_test_northbound_ask_SOURCES = tests/unit/test-northbound-ask.c \
	$(NORTHBOUND_FIXTURE)
tests_unit_test_northbound_ask_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_northbound_ask_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-events
TESTS += tests/unit/test-events
tests_unit_test_events_SOURCES = tests/unit/test-events.c \
	$(NORTHBOUND_FIXTURE)
tests_unit_test_events_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_events_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-ovsdb-zones
TESTS += tests/unit/test-ovsdb-zones
tests_unit_test_ovsdb_zones_SOURCES = tests/unit/test-ovsdb-zones.c \
	$(OVS_SANDBOX)
tests_unit_test_ovsdb_zones_CFLAGS = $(UNIT_CFLAGS) \
	-DTEST_SRCDIR='"$(abs_srcdir)"'
tests_unit_test_ovsdb_zones_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-ovsdb-ipsec
TESTS += tests/unit/test-ovsdb-ipsec
tests_unit_test_ovsdb_ipsec_SOURCES = tests/unit/test-ovsdb-ipsec.c $(OVS_SANDBOX)
tests_unit_test_ovsdb_ipsec_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_ovsdb_ipsec_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-quota-flows
TESTS += tests/unit/test-quota-flows
tests_unit_test_quota_flows_SOURCES = \
	tests/unit/test-quota-flows.c tests/unit/toy-app.h
tests_unit_test_quota_flows_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_quota_flows_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-plan
TESTS += tests/unit/test-plan
tests_unit_test_plan_SOURCES = tests/unit/test-plan.c tests/unit/toy-app.h
tests_unit_test_plan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_plan_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-attacks-api
TESTS += tests/unit/test-attacks-api
tests_unit_test_attacks_api_SOURCES = tests/unit/test-attacks-api.c tests/unit/toy-app.h
tests_unit_test_attacks_api_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_attacks_api_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-simulator
TESTS += tests/unit/test-simulator
tests_unit_test_simulator_SOURCES = tests/unit/test-simulator.c
tests_unit_test_simulator_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_simulator_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-batching
TESTS += tests/unit/test-batching
tests_unit_test_batching_SOURCES = tests/unit/test-batching.c
tests_unit_test_batching_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_batching_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-report-limit
TESTS += tests/unit/test-report-limit
tests_unit_test_report_limit_SOURCES = tests/unit/test-report-limit.c
tests_unit_test_report_limit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_report_limit_LDADD = $(UNIT_LIBS)

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

check_PROGRAMS += tests/unit/test-fabric-flush
TESTS += tests/unit/test-fabric-flush
tests_unit_test_fabric_flush_SOURCES = tests/unit/test-fabric-flush.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_flush_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_flush_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-faults
TESTS += tests/unit/test-fabric-faults
tests_unit_test_fabric_faults_SOURCES = tests/unit/test-fabric-faults.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_faults_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_faults_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-receipts
TESTS += tests/unit/test-fabric-receipts
tests_unit_test_fabric_receipts_SOURCES = tests/unit/test-fabric-receipts.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_receipts_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_receipts_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-audit
TESTS += tests/unit/test-fabric-audit
tests_unit_test_fabric_audit_SOURCES = tests/unit/test-fabric-audit.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_audit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_audit_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-counters
TESTS += tests/unit/test-fabric-counters
tests_unit_test_fabric_counters_SOURCES = tests/unit/test-fabric-counters.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_counters_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_counters_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-fabric-samples
TESTS += tests/unit/test-fabric-samples
tests_unit_test_fabric_samples_SOURCES = tests/unit/test-fabric-samples.c \
	$(FABRIC_TEST_SOURCES)
tests_unit_test_fabric_samples_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_fabric_samples_LDADD = $(UNIT_LIBS)

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
APPS_CASES = tests/unit/apps-fixture.c tests/unit/apps-fixture.h \
	tests/unit/apps-rows.h \
	tests/unit/apps-scenario.c tests/unit/apps-scenario.h

check_PROGRAMS += tests/unit/test-apps
TESTS += tests/unit/test-apps
tests_unit_test_apps_SOURCES = \
	$(APPS_CASES) \
	tests/unit/test-apps.c
tests_unit_test_apps_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_apps_LDADD = $(UNIT_LIBS)
tests_unit_test_apps_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_apps_DEPENDENCIES = $(app_LTLIBRARIES)

check_PROGRAMS += tests/unit/test-firewall
TESTS += tests/unit/test-firewall
tests_unit_test_firewall_SOURCES = \
	$(APPS_CASES) \
	tests/unit/test-firewall.c
tests_unit_test_firewall_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_firewall_LDADD = $(UNIT_LIBS)
tests_unit_test_firewall_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_firewall_DEPENDENCIES = $(app_LTLIBRARIES)

check_PROGRAMS += tests/unit/test-loadbalancer
TESTS += tests/unit/test-loadbalancer
tests_unit_test_loadbalancer_SOURCES = \
	$(APPS_CASES) \
	tests/unit/test-loadbalancer.c
tests_unit_test_loadbalancer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_loadbalancer_LDADD = $(UNIT_LIBS)
tests_unit_test_loadbalancer_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_loadbalancer_DEPENDENCIES = $(app_LTLIBRARIES)

check_PROGRAMS += tests/unit/test-dns
TESTS += tests/unit/test-dns
tests_unit_test_dns_SOURCES = tests/unit/test-dns.c
tests_unit_test_dns_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_dns_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test-gateway
TESTS += tests/unit/test-gateway
tests_unit_test_gateway_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-gateway.c
tests_unit_test_gateway_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_gateway_LDADD = $(UNIT_LIBS)
tests_unit_test_gateway_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_gateway_DEPENDENCIES = $(app_LTLIBRARIES)

check_PROGRAMS += tests/unit/test-router
TESTS += tests/unit/test-router
tests_unit_test_router_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/apps-scenario.c \
	tests/unit/apps-scenario.h \
	tests/unit/test-router.c
tests_unit_test_router_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_router_LDADD = $(UNIT_LIBS)
tests_unit_test_router_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_router_DEPENDENCIES = $(app_LTLIBRARIES)

# What routing domains are to apps.
check_PROGRAMS += tests/unit/test-domain
TESTS += tests/unit/test-domain
tests_unit_test_domain_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-domain.c
tests_unit_test_domain_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_domain_LDADD = $(UNIT_LIBS)
tests_unit_test_domain_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_domain_DEPENDENCIES = $(app_LTLIBRARIES)

# What policies cost in flows.
check_PROGRAMS += tests/unit/test-segments
TESTS += tests/unit/test-segments
tests_unit_test_segments_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-segments.c
tests_unit_test_segments_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_segments_LDADD = $(UNIT_LIBS)
tests_unit_test_segments_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_segments_DEPENDENCIES = $(app_LTLIBRARIES)

# The simulator, asked in names, with the apps.
check_PROGRAMS += tests/unit/test-trace
TESTS += tests/unit/test-trace
tests_unit_test_trace_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-trace.c
tests_unit_test_trace_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_trace_LDADD = $(UNIT_LIBS)
tests_unit_test_trace_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_trace_DEPENDENCIES = $(app_LTLIBRARIES)

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
# Not all of libvmn, of which it has parts of its own; but what apps alone use.
tests_unit_test_fabric_ovs_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic \
	-Wl,--undefined=vmn_answer_for \
	-Wl,--undefined=vmn_prefix_text \
	-Wl,--whole-archive,proto/libproto.a,--no-whole-archive
EXTRA_tests_unit_test_fabric_ovs_DEPENDENCIES = $(app_LTLIBRARIES)

# What switches remember of clients, against a real ovs-vswitchd.
check_PROGRAMS += tests/unit/test-client
TESTS += tests/unit/test-client
tests_unit_test_client_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fake-db.c \
	tests/unit/test-client.c \
	tests/unit/toy-app.h \
	$(OVS_SANDBOX)
tests_unit_test_client_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_LDADD = $(UNIT_LIBS)
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

# The dhcp app: questions in, answers out.
check_PROGRAMS += tests/unit/test-dhcp
TESTS += tests/unit/test-dhcp
tests_unit_test_dhcp_SOURCES = \
	tests/unit/apps-fixture.c \
	tests/unit/apps-fixture.h \
	tests/unit/test-dhcp.c
tests_unit_test_dhcp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_dhcp_LDADD = $(UNIT_LIBS)
tests_unit_test_dhcp_LDFLAGS = $(AM_LDFLAGS) $(VMN_EXPORTS) $(VMN_WHOLE)
EXTRA_tests_unit_test_dhcp_DEPENDENCIES = $(app_LTLIBRARIES)

# The same of how the app is loaded as of test-fabric-ovs.
check_PROGRAMS += tests/unit/test-health-rows
TESTS += tests/unit/test-health-rows
tests_unit_test_health_rows_SOURCES = \
	tests/unit/fabric-fixture.c \
	tests/unit/fabric-fixture.h \
	tests/unit/fake-db.c \
	tests/unit/fake-switch.c \
	tests/unit/fake-switch.h \
	tests/unit/test-health-rows.c \
	tests/unit/toy-app.h
tests_unit_test_health_rows_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_health_rows_LDADD = $(UNIT_LIBS)
tests_unit_test_health_rows_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic \
	-Wl,--undefined=vmn_answer_for \
	-Wl,--undefined=vmn_prefix_text \
	-Wl,--whole-archive,proto/libproto.a,--no-whole-archive
EXTRA_tests_unit_test_health_rows_DEPENDENCIES = $(app_LTLIBRARIES)
