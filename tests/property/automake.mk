# SPDX-License-Identifier: Apache-2.0
# Property tests: random edits against independent oracles, with the apps.  To
# add one, add its name to the list, what it shares to libproperty.a, and
# what else it has of its own to its sources.
PROPERTY_TESTS = \
	tests/property/test-follow \
	tests/property/test-oracle \
	tests/property/test-loosened \
	tests/property/test-policy \
	tests/property/test-recommend \
	tests/property/test-same \
	tests/property/test-state \
	tests/property/test-tenants
$(PROPERTY_TESTS): tests/property/libproperty.a | $(app_LTLIBRARIES)
$(PROPERTY_TESTS): private AM_LDFLAGS += $(VMN_EXPORTS) $(VMN_WHOLE)
$(PROPERTY_TESTS): private LDADD = tests/property/libproperty.a $(UNIT_LIBS)

check_LIBRARIES += tests/property/libproperty.a
tests_property_libproperty_a_SOURCES = \
	tests/property/ids-text.c \
	tests/property/ids-text.h \
	tests/property/oracle-random.c \
	tests/property/oracle-random.h \
	tests/property/plan-check.c \
	tests/property/plan-check.h \
	tests/property/policy-text.c \
	tests/property/policy-text.h \
	tests/property/setup.c \
	tests/property/setup.h \
	tests/property/tenants-random.c \
	tests/property/tenants-random.h

tests_property_test_oracle_SOURCES = \
	tests/property/oracle-hosts.c \
	tests/property/oracle-hosts.h \
	tests/property/test-oracle.c

tests_property_test_policy_SOURCES = \
	tests/property/policy-connections.c \
	tests/property/policy-connections.h \
	tests/property/policy-packets.c \
	tests/property/policy-packets.h \
	tests/property/policy-random.c \
	tests/property/policy-random.h \
	tests/property/policy-world.c \
	tests/property/policy-world.h \
	tests/property/test-policy.c

tests_property_test_loosened_SOURCES = \
	tests/property/policy-packets.c \
	tests/property/policy-random.c \
	tests/property/policy-world.c \
	tests/property/test-loosened.c

tests_property_test_state_SOURCES = \
	tests/property/state-check.c \
	tests/property/state-check.h \
	tests/property/state-random.h \
	tests/property/state-requests.c \
	tests/property/state-snapshot.c \
	tests/property/state-snapshot.h \
	tests/property/state-values.c \
	tests/property/test-state.c

tests_property_test_tenants_SOURCES = \
	tests/property/tenants-world.c \
	tests/property/tenants-world.h \
	tests/property/test-tenants.c

check_PROGRAMS += $(PROPERTY_TESTS)
TESTS += $(PROPERTY_TESTS)
