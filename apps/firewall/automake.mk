# firewall
app_LTLIBRARIES += apps/firewall/firewall.la
apps_firewall_firewall_la_SOURCES = \
	apps/firewall/conjunction-id.c \
	apps/firewall/conjunction.c \
	apps/firewall/connection-limit.c \
	apps/firewall/connection-tracking.c \
	apps/firewall/default-deny.c \
	apps/firewall/dns-question.c \
	apps/firewall/firewall.c \
	apps/firewall/firewall.h \
	apps/firewall/group.c \
	apps/firewall/identity.c \
	apps/firewall/observation.c \
	apps/firewall/peer-fqdn.c \
	apps/firewall/peer-vip.c \
	apps/firewall/policy-rules.c \
	apps/firewall/policy.c \
	apps/firewall/quarantine.c \
	apps/firewall/reject.c \
	apps/firewall/rule-limit.c \
	apps/firewall/rule-window.c \
	apps/firewall/sctp.c \
	apps/firewall/service-blocks.c \
	apps/firewall/service.c \
	apps/firewall/shadow.c \
	apps/firewall/stale-identity.c \
	apps/firewall/tier.c
apps_firewall_firewall_la_CFLAGS = $(APPS_C)
apps_firewall_firewall_la_CPPFLAGS = $(APPS_CPP)
apps_firewall_firewall_la_LDFLAGS = $(APPS_LD)
