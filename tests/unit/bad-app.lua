-- SPDX-License-Identifier: Apache-2.0
-- A script that does what an app must not, where a network's label "do" says
-- so: bad-app.c in Lua, for tests/unit/test-lua-app.c.  Without that label it
-- is an app as any other: a flow for each network, a query and a handler.

local kept = 0
local list = { "first", sub = {} }
written_at_load = { 1 }

local function forever()
    while true do end
end

local function recurse()
    return 1 + recurse()
end

local function grow()
    local s = "x"

    while true do
        s = s .. s
    end
end

local function table_grow()
    local block = ("x"):rep(1024):rep(1024)
    local t = {}

    for i = 1, 100000 do
        t[i] = block .. i
    end
    return t
end

local deeds = {
    ["error"] = function() error("for a reason") end,
    ["table-error"] = function() error({}) end,
    ["nil"] = function() local x; return x.y end,
    ["loop"] = forever,
    ["memory"] = grow,
    ["much"] = function() return ("x"):rep(1024 * 1024 * 1024) end,
    ["more"] = function() return ("x"):rep(3 * 1024 * 1024 * 1024) end,
    ["elements"] = table_grow,
    ["stack"] = recurse,
    ["os"] = function() return os.time() end,
    ["io"] = function() return io.open("/etc/passwd") end,
    ["require"] = function() return require "socket" end,
    ["load"] = function() return load("return 1")() end,
    ["random"] = function() return math.random(10) end,
    ["pcall"] = function() return pcall(forever) end,
    ["address"] = function() return string.format("%p", {}) end,
    ["coroutine"] = function() return coroutine.create(forever) end,
    ["global"] = function() count = 1 end,
    ["old-global"] = function() written_at_load = 2 end,
    ["element"] = function() list[1] = "second" end,
    ["deep"] = function() list.sub.x = 1 end,
    ["insert"] = function() table.insert(list, "x") end,
    ["sort"] = function() table.sort(list) end,
    ["library"] = function() string.upper = nil end,
    ["local"] = function() kept = kept + 1 end,
    ["unknown-global"] = function() return networks end,
    ["field"] = function(view, network) return network.mtus end,
    ["row"] = function(view, network) network.mtu = 1 end,
    ["labels"] = function(view, network) return network.labels end,
    ["no-name"] = function(view) return view:port(nil) end,
    ["wrong-name"] = function(view) return view:port(7) end,
    ["method"] = function(view) return view:prot("a") end,
    ["dot"] = function(view) return view.port("a") end,
    ["index"] = function(view) return view:lookup("port_by_net", "a") end,
    ["stage"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bda", priority = 1 }
    end,
    ["option"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1, mtch = {} }
    end,
    ["priority"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 65536 }
    end,
    ["scope"] = function(view, network, emit)
        emit:flow { scope = { network = "a", host = "h" }, stage = "bad",
                    priority = 1 }
    end,
    ["scope-name"] = function(view, network, emit)
        emit:flow { scope = { host = 3 }, stage = "bad", priority = 1 }
    end,
    ["argument"] = function(view, network, emit)
        local flow = emit:flow { scope = "all", stage = "bad", priority = 1 }
        flow:learn_client(vmn.eth_ipv4, 0, "reg10")
    end,
    ["text-argument"] = function(view, network, emit)
        local flow = emit:flow { scope = "all", stage = "bad", priority = 1 }
        flow:goto_hook(7)
    end,
    ["connection"] = function(view, network, emit)
        local flow = emit:flow { scope = "all", stage = "bad", priority = 1 }
        flow:ct { zone = "reg0", snat = 7 }
    end,
    ["responder"] = function(view, network, emit)
        emit:arp_nd_respond { scope = "all", stage = "bad", priority = 1 }
    end,
    ["constant"] = function() return vmn.eth_ipv5 end,
    ["match"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1,
                    match = { tcp_dest = 25 } }
    end,
    ["matches"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1,
                    match = { zone = 1, arp_oq = 2, tcp_dest = 25,
                              udp_dts = 3, ct_mrak = 4 } }
    end,
    ["value"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1,
                    match = { ip_src = "10.0.0.300" } }
    end,
    ["family"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1,
                    match = { ipv6_src = "10.0.0.3" } }
    end,
    ["fits"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 1,
                    match = { tcp_dst = 65536 } }
    end,
    ["relation"] = function(view, network, emit)
        emit:publish("firewall.members", "k", "v")
    end,
    ["pool"] = function(view) return view:id_of("firewall.identity", "k") end,
    ["register"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 20 }
            :set("reg12", 1)
    end,
    ["zone"] = function(view, network, emit)
        emit:flow { scope = "all", stage = "bad", priority = 20 }
            :set("reg_zone", 1)
    end,
    ["fail"] = function(view, network, emit)
        emit:fail("network " .. network.name .. " says so")
    end,
}

local function compile(view, key, emit)
    local network = view:network(key)
    if not network then
        return
    end
    local labels = view:labels(network)
    local deed = labels["do"]

    if deed then
        deeds[deed](view, network, emit)
    end
    for i = 1, tonumber(labels.flows or "1") do
        emit:flow { scope = { network = key }, stage = "bad", priority = 10,
                    match = { reg_network = network.vni, eth_type = 0x88b5,
                              reg15 = i > 1 and i or nil } }
            :drop("bad")
    end
    if labels.keep then
        kept = kept + 1
    end
    if labels.ask then
        emit:publish("bad.answers", key,
                     view:query("bad.does", labels.ask) or "nothing")
    end
end

local function does(view, key)
    local network = view:network(key)

    if not network then
        return nil
    end
    if view:labels(network).query then
        error("of the query")
    end
    return tostring(network.vni)
end

local function handle(view, packet, out)
    local network = view:network(packet.port.network)
    local deed = view:labels(network).handle

    if deed then
        deeds[deed](view, network)
    end
    out:send_back(packet.bytes)
end

local function flow_owner(view, unit, key, part)
    local network = view:network(key)
    local owner = network and view:labels(network).owner

    if owner == "port" then
        return { type = "port", name = "pa", rule = part + #unit }
    elseif owner == "wrong" then
        return { type = "prot", name = "pa" }
    elseif owner == "number" then
        return 7
    elseif owner == "loop" then
        deeds.loop(view, network)
    end
end

return {
    name = "bad",
    description = "Does what an app must not",
    stages = { { name = "bad", hook = "service", order = 10 } },
    units = { { name = "network", each = "network", compile = compile } },
    queries = { { name = "does", eval = does } },
    handlers = { { name = "packet", handle = handle } },
    flow_owner = flow_owner,
}
