# traffic: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/traffic/traffic.la
apps_traffic_traffic_la_SOURCES = apps/traffic/traffic.c
apps_traffic_traffic_la_CFLAGS = $(APPS_C)
apps_traffic_traffic_la_CPPFLAGS = $(APPS_CPP)
apps_traffic_traffic_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/traffic/traffic-test.yaml
