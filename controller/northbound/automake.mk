# controller/northbound: the JSON API.
controller_libvmn_la_SOURCES += \
	controller/northbound/activity.c \
	controller/northbound/apply.c \
	controller/northbound/ask.c \
	controller/northbound/backup.c \
	controller/northbound/change.c \
	controller/northbound/drops.c \
	controller/northbound/envelope.c \
	controller/northbound/event-readers.c \
	controller/northbound/event-sources.c \
	controller/northbound/events.c \
	controller/northbound/events.h \
	controller/northbound/flows.c \
	controller/northbound/identities.c \
	controller/northbound/info.c \
	controller/northbound/list.c \
	controller/northbound/metrics.c \
	controller/northbound/northbound-private.h \
	controller/northbound/northbound.c \
	controller/northbound/northbound.h \
	controller/northbound/object.c \
	controller/northbound/page.c \
	controller/northbound/ports.c \
	controller/northbound/problem.c \
	controller/northbound/query.c \
	controller/northbound/observations.c \
	controller/northbound/reachability.c \
	controller/northbound/recommend-objects.c \
	controller/northbound/recommend-private.h \
	controller/northbound/recommendations.c \
	controller/northbound/simulate.c \
	controller/northbound/status.c \
	controller/northbound/summary.c \
	controller/northbound/trace.c
