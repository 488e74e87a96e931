# loadbalancer
app_LTLIBRARIES += apps/loadbalancer/loadbalancer.la
apps_loadbalancer_loadbalancer_la_SOURCES = \
	apps/loadbalancer/backend.c \
	apps/loadbalancer/loadbalancer.c \
	apps/loadbalancer/loadbalancer.h \
	apps/loadbalancer/slots.c \
	apps/loadbalancer/vip.c
apps_loadbalancer_loadbalancer_la_CFLAGS = $(APPS_C)
apps_loadbalancer_loadbalancer_la_CPPFLAGS = $(APPS_CPP)
apps_loadbalancer_loadbalancer_la_LDFLAGS = $(APPS_LD)
