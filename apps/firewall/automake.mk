# firewall
app_LTLIBRARIES += apps/firewall/firewall.la
apps_firewall_firewall_la_SOURCES = \
	apps/firewall/clause.c \
	apps/firewall/firewall.c \
	apps/firewall/firewall.h \
	apps/firewall/group.c \
	apps/firewall/identity.c \
	apps/firewall/known.c \
	apps/firewall/limit.c \
	apps/firewall/observe.c \
	apps/firewall/policy.c \
	apps/firewall/quarantine.c \
	apps/firewall/reject.c \
	apps/firewall/rest.c \
	apps/firewall/rules.c \
	apps/firewall/sctp.c \
	apps/firewall/service.c \
	apps/firewall/shadow.c \
	apps/firewall/tier.c
apps_firewall_firewall_la_CFLAGS = $(APPS_C)
apps_firewall_firewall_la_CPPFLAGS = $(APPS_CPP)
apps_firewall_firewall_la_LDFLAGS = $(APPS_LD)
