-- SPDX-License-Identifier: Apache-2.0
-- mailguard.c as a script: VMs may not send mail by themselves (TCP port 25),
-- except for those with the label mail=yes.  docs/writing-an-app-in-lua.md
-- goes through this file.

-- Drops mail from VMs of a network on the VM's host,
local function compile_network(view, key, emit)
    local network = view:network(key)

    if not network or network.vni == 0 then
        return
    end
    for _, eth_type in ipairs { vmn.eth_ipv4, vmn.eth_ipv6 } do
        emit:flow { scope = { network = key }, stage = "mail", priority = 10,
                    match = { reg_network = network.vni, reg_src_local = 1,
                              eth_type = eth_type, tcp_dst = 25 } }
            :drop("direct mail")
    end
end

-- unless it comes from a port that may send it.
local function compile_port(view, key, emit)
    local port = view:port(key)

    if not port or not port.enabled or view:labels(port).mail ~= "yes" then
        return
    end
    local network = view:network(port.network)
    if not network or network.vni == 0 then
        return
    end
    for _, ip in ipairs(port.ips) do
        emit:flow { scope = { network = port.network }, stage = "mail",
                    priority = 20,
                    match = { reg_network = network.vni, reg_src_local = 1,
                              ip_src = ip, tcp_dst = 25 } }
            :next()
    end
end

return {
    name = "mailguard", denies = true,
    description = "Keeps VMs from sending mail, except for mail=yes",
    stages = { { name = "mail", hook = "service", order = 10 } },
    units = {
        { name = "network", each = "network", compile = compile_network },
        { name = "port", each = "port", compile = compile_port },
    },
}
