# monitors: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/monitors/monitors.la
apps_monitors_monitors_la_SOURCES = \
	apps/monitors/guest-probe.c \
	apps/monitors/monitors.c \
	apps/monitors/monitors.h
apps_monitors_monitors_la_CFLAGS = $(APPS_C)
apps_monitors_monitors_la_CPPFLAGS = $(APPS_CPP)
apps_monitors_monitors_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/monitors/monitors-test.yaml
