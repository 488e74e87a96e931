# controller/model: the state in memory, checked, indexed and numbered.
controller_libvmn_a_SOURCES += \
	controller/model/allowed-addresses.c \
	controller/model/assign.c \
	controller/model/builtin-rows.c \
	controller/model/cascade.c \
	controller/model/external-addresses.c \
	controller/model/group-nesting.c \
	controller/model/id-pools.c \
	controller/model/id-pools.h \
	controller/model/ipam.c \
	controller/model/load-rows.c \
	controller/model/model-private.h \
	controller/model/model.c \
	controller/model/model.h \
	controller/model/no-effect.c \
	controller/model/port-rights.c \
	controller/model/provider-network.c \
	controller/model/quota-limits.c \
	controller/model/quota-usage.c \
	controller/model/quota-usage.h \
	controller/model/request.c \
	controller/model/reserved-mac.c \
	controller/model/rights.c \
	controller/model/router-addresses.c \
	controller/model/routing-domain.c \
	controller/model/row-checks.c \
	controller/model/row-index.c \
	controller/model/shared-rights.c \
	controller/model/transaction.c \
	controller/model/trunk-ports.c \
	controller/model/unreachable-rules.c \
	controller/model/virtual-ip.c
