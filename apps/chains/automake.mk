# chains: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/chains/chains.la
apps_chains_chains_la_SOURCES = \
	apps/chains/chain-state.c \
	apps/chains/chain.c \
	apps/chains/chains.c \
	apps/chains/chains.h \
	apps/chains/classifier.c \
	apps/chains/domain.c \
	apps/chains/function-health.c \
	apps/chains/member.c
apps_chains_chains_la_CFLAGS = $(APPS_C)
apps_chains_chains_la_CPPFLAGS = $(APPS_CPP)
apps_chains_chains_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/chains/chains-test.yaml
