# qos: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/qos/qos.la
apps_qos_qos_la_SOURCES = \
	apps/qos/qos-filter.c \
	apps/qos/qos-policy.c \
	apps/qos/qos-rule.c \
	apps/qos/qos-uplink.c \
	apps/qos/qos.c \
	apps/qos/qos.h
apps_qos_qos_la_CFLAGS = $(APPS_C)
apps_qos_qos_la_CPPFLAGS = $(APPS_CPP)
apps_qos_qos_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/qos/qos-test.yaml
