# System tests: run by tests/run, with pytest.
EXTRA_DIST += \
	tests/system/conftest.py \
	tests/system/quarrel.c \
	tests/system/run-files \
	tests/system/test_bytes.py \
	tests/system/test_daemon.py \
	tests/system/test_demo.py \
	tests/system/test_domain.py \
	tests/system/test_durable.py \
	tests/system/test_dns.py \
	tests/system/test_drops.py \
	tests/system/test_firewall.py \
	tests/system/test_ipam.py \
	tests/system/test_ipv6.py \
	tests/system/test_lab.py \
	tests/system/test_loadbalancer.py \
	tests/system/test_order.py \
	tests/system/test_overlay.py \
	tests/system/test_plan.py \
	tests/system/test_provider.py \
	tests/system/test_quarrel.py \
	tests/system/test_quickstart.py \
	tests/system/test_quiet.py \
	tests/system/test_restart.py \
	tests/system/test_router.py \
	tests/system/test_store.py \
	tests/system/test_stranger.py \
	tests/system/test_stream.py \
	tests/system/test_swarm.py \
	tests/system/test_trace.py \
	tests/system/test_tunnels.py
