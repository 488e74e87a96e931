# loadbalancer
app_LTLIBRARIES += apps/loadbalancer/loadbalancer.la
apps_loadbalancer_loadbalancer_la_SOURCES = \
	apps/loadbalancer/affinity.c \
	apps/loadbalancer/backend-choice.c \
	apps/loadbalancer/backend-state.c \
	apps/loadbalancer/backend.c \
	apps/loadbalancer/balancer-owner.c \
	apps/loadbalancer/balancer.c \
	apps/loadbalancer/balancer.h \
	apps/loadbalancer/client-limit.c \
	apps/loadbalancer/loadbalancer.c \
	apps/loadbalancer/loadbalancer.h \
	apps/loadbalancer/maglev.c \
	apps/loadbalancer/migrating-client.c \
	apps/loadbalancer/no-backend.c \
	apps/loadbalancer/vip-mac.c \
	apps/loadbalancer/vip.c
apps_loadbalancer_loadbalancer_la_CFLAGS = $(APPS_C)
apps_loadbalancer_loadbalancer_la_CPPFLAGS = $(APPS_CPP)
apps_loadbalancer_loadbalancer_la_LDFLAGS = $(APPS_LD)
