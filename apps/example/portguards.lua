-- SPDX-License-Identifier: Apache-2.0
-- Ports of servers to which VMs may open no connections, as objects of a type
-- of the app's own: docs/tutorial-own-type.md makes this file step by step.

local guards = {
    name = "portguards", singular = "portguard",
    doc = "Ports of servers to which VMs may open no connections.",
    fields = {
        { name = "network", type = "ref", ref = "networks", required = true,
          doc = "Network of the VMs." },
        { name = "selector", type = "selector",
          doc = "Which of its ports; absent: all." },
        { name = "ports", type = "int", min = 1, max = 65535, set = true,
          required = true, doc = "Destination ports." },
        { name = "protocol", type = "enum", values = { "tcp", "udp" },
          default = "tcp", doc = "Of these ports." },
        { name = "mode", type = "enum", values = { "shadow", "enforce" },
          default = "enforce", doc = "Whether it drops, or only logs." },
        { name = "reason", type = "text", doc = "Why; required to enforce." },
        { name = "expires", type = "text",
          doc = "Until when, in UTC: \"2027-01-31T12:00:00Z\"." },
    },
    check = function(row, fail)
        if row.expires and not vmn.time_from_text(row.expires) then
            fail("/expires", 'must be as in "2027-01-31T12:00:00Z"')
        end
        if row.mode == "enforce" and not row.reason then
            fail("/reason", "is required where mode is enforce")
        end
    end,
}

local settings = {
    name = "portguards-settings", singular = "portguards-setting",
    single = true, doc = "What holds for all port guards.",
    fields = { { name = "exempt", type = "selector",
                 doc = "Ports that no guard concerns." } },
}

local function compile_guard(view, name, emit)
    local guard = view:object("portguards", name)
    local all = view:object("portguards-settings", "default")
    local till = guard.expires and vmn.time_from_text(guard.expires)
    if till and view:is_past(till) then return end
    for _, id in ipairs(view:lookup("port_by_network", guard.network)) do
        local port = view:port(id)
        local exempt = all and all.exempt and view:selects(all.exempt, port)
        local on = not guard.selector or view:selects(guard.selector, port)
        for _, number in ipairs(on and not exempt and guard.ports or {}) do
            emit:publish("portguards.ports", id, guard.mode .. "/"
                         .. guard.protocol .. "/" .. number)
        end
    end
end

local function compile_port(view, name, emit)
    local port, done = view:port(name), {}
    local domain = port and view:domain_of(port.network)
    -- They are sorted: "enforce/tcp/25" comes before "shadow/tcp/25".
    for _, fact in ipairs(view:relation_values("portguards.ports", name)) do
        local mode, what, proto, number = fact:match("(%a+)/((%a+)/(%d+))")
        for _, ip in ipairs(port and not done[what] and port.ips or {}) do
            local flow = emit:flow {
                scope = { domain = domain }, stage = "guard", priority = 10,
                log = mode == "shadow",
                match = { reg_zone = view:domain_zone(domain),
                          reg_src_local = 1, ct_state = "+trk-inv",
                          ct_ip_src = ip, ct_tp_dst = tonumber(number),
                          ct_nw_proto = vmn["ip_proto_" .. proto] } }
            if mode == "shadow" then flow:next() else flow:drop("guarded") end
        end
        done[what] = true
    end
end

return {
    name = "portguards", denies = true, types = { guards, settings },
    description = "Keeps VMs from opening connections to some ports",
    stages = { { name = "guard", hook = "policy", order = -10 } },
    units = {
        { name = "guard", each = "portguards", compile = compile_guard },
        { name = "port", each = { relation = "portguards.ports" },
          compile = compile_port } },
}
