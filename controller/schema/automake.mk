# controller/schema: what a resource looks like, and errors about it.
controller_libvmn_a_SOURCES += \
	controller/schema/arena.c \
	controller/schema/arena.h \
	controller/schema/error.c \
	controller/schema/error.h \
	controller/schema/schema-balancer.c \
	controller/schema/schema-compare.c \
	controller/schema/schema-define.h \
	controller/schema/schema-dhcp.c \
	controller/schema/schema-dhcp.h \
	controller/schema/schema-dns.c \
	controller/schema/schema-examples.c \
	controller/schema/schema-fault.h \
	controller/schema/schema-finish.c \
	controller/schema/schema-finish.h \
	controller/schema/schema-parse.c \
	controller/schema/schema-parse.h \
	controller/schema/schema-print.c \
	controller/schema/schema-row.h \
	controller/schema/schema-scalar.c \
	controller/schema/schema-shown.h \
	controller/schema/schema-status.c \
	controller/schema/schema-strip.c \
	controller/schema/schema-tables-door.c \
	controller/schema/schema-tables-net.c \
	controller/schema/schema-tables.c \
	controller/schema/schema-telemetry.c \
	controller/schema/schema-type-text.c \
	controller/schema/schema.c \
	controller/schema/schema.h \
	controller/schema/selector.c \
	controller/schema/selector.h \
	controller/schema/value-names.c \
	controller/schema/value-sets.c \
	controller/schema/value.c \
	controller/schema/value.h
