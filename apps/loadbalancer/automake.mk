# loadbalancer
app_LTLIBRARIES += apps/loadbalancer/loadbalancer.la
apps_loadbalancer_loadbalancer_la_SOURCES = \
	apps/loadbalancer/about.c \
	apps/loadbalancer/address.c \
	apps/loadbalancer/backend.c \
	apps/loadbalancer/balancer.c \
	apps/loadbalancer/limit.c \
	apps/loadbalancer/loadbalancer.c \
	apps/loadbalancer/loadbalancer.h \
	apps/loadbalancer/member.c \
	apps/loadbalancer/refuse.c \
	apps/loadbalancer/slots.c \
	apps/loadbalancer/text.c
apps_loadbalancer_loadbalancer_la_CFLAGS = $(APPS_C)
apps_loadbalancer_loadbalancer_la_CPPFLAGS = $(APPS_CPP)
apps_loadbalancer_loadbalancer_la_LDFLAGS = $(APPS_LD)
