import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Routing rules, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct RuleTests {
    private static let vip = Prefix(host: .v4(IPv4Address(192, 0, 2, 10)))
    private static let vip6 = Prefix(host: .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 0x10)))

    private static let forms: [(RoutingRule, shown: String)] = [
        (RoutingRule(isIPv6: false, priority: 1000, source: vip, table: 100), "1000: from 192.0.2.10 lookup 100"),
        (
            RoutingRule(isIPv6: false, priority: 1001, source: Prefix("192.0.2.0/24"), table: 4_000_000_000),
            "1001: from 192.0.2.0/24 lookup 4000000000"
        ),
        (
            RoutingRule(isIPv6: false, priority: 1002, source: vip, transport: 6, sourcePort: 80, table: 100),
            "1002: from 192.0.2.10 ipproto tcp sport 80 lookup 100"
        ),
        (
            RoutingRule(isIPv6: false, priority: 1003, table: 254, suppressedPrefixLength: 0),
            "1003: from all lookup main suppress_prefixlength 0"
        ),
        (RoutingRule(isIPv6: true, priority: 1000, source: vip6, table: 100), "1000: from 2001:db8::10 lookup 100"),
        (
            RoutingRule(isIPv6: true, priority: 1002, source: vip6, transport: 17, sourcePort: 65534, table: 100),
            "1002: from 2001:db8::10 ipproto udp sport 65534 lookup 100"
        ),
        (
            RoutingRule(isIPv6: true, priority: 1003, table: 254, suppressedPrefixLength: 0),
            "1003: from all lookup main suppress_prefixlength 0"
        ),
    ]

    private static let kernels = [
        RoutingRule(isIPv6: false, priority: 0, table: 255), RoutingRule(isIPv6: false, priority: 32766, table: 254),
        RoutingRule(isIPv6: false, priority: 32767, table: 253), RoutingRule(isIPv6: true, priority: 0, table: 255),
        RoutingRule(isIPv6: true, priority: 32766, table: 254),
    ]

    @Test("a new namespace has the kernel's own rules")
    func kernelsOwn() throws {
        #expect(try FreshNamespace.run { Set(try Network().rules().whole) } == Set(Self.kernels))
    }

    @Test(
        "rules besides the kernel's own and the known ones are seen, whatever they say",
        arguments: [
            "from 192.0.2.10 unreachable priority 100", "from 192.0.2.10 lookup main priority 0",
            "fwmark 7 lookup 100 priority 32000", "to 10.0.0.0/8 lookup 100 priority 99",
            "iif lo prohibit priority 32766",
        ])
    func others(_ rule: String) throws {
        try FreshNamespace.run {
            let network = try Network()
            try Command.require("ip rule add from 192.0.2.10 lookup 100 priority 1001")
            let families = { try [false, true].map { try network.rules().hasRules(isIPv6: $0, besides: 1000...1002) } }
            #expect(try families() == [false, false])
            try Command.require("ip rule add \(rule)")
            #expect(try families() == [true, false], "\(rule)")
            try Command.require("ip -6 rule add from 2001:db8::10 blackhole priority 1")
            #expect(try families() == [true, true])
        }
    }

    @Test("a rule is shown by ip, listed, refused twice, and removed once", arguments: 0..<7)
    func life(_ number: Int) throws {
        let (rule, shown) = Self.forms[number]
        try FreshNamespace.run {
            let network = try Network()
            let listing = "ip \(rule.isIPv6 ? "-6" : "-4") rule show"
            try network.add(rule)
            let text = try words(listing)
            #expect(text.contains(shown), "\(text)")
            #expect(Set(try network.rules().whole) == Set(Self.kernels + [rule]))
            let twice = #expect(throws: NetlinkError.self) { try network.add(rule) }
            #expect(twice?.isAlreadyPresent == true)
            try network.remove(rule)
            #expect(Set(try network.rules().whole) == Set(Self.kernels))
            let gone = #expect(throws: NetlinkError.self) { try network.remove(rule) }
            #expect(gone?.isAlreadyAbsent == true)
        }
    }

    @Test(
        "a rule with a condition or an action that no RoutingRule can express is left out",
        arguments: [
            "iif lo lookup 100", "oif lo lookup 100", "fwmark 1 lookup 100", "fwmark 0/0xff lookup 100",
            "to 198.51.100.1 lookup 100", "tos 0x10 lookup 100", "sport 80-90 lookup 100", "dport 80 lookup 100",
            "uidrange 0-10 lookup 100", "not from 192.0.2.10 lookup 100", "goto 32766", "blackhole",
            "unreachable", "prohibit", "nop", "lookup 254 suppress_ifgroup 1", "tun_id 5 lookup 100", "l3mdev",
            "realms 5 lookup 100",
        ])
    func inexpressible(_ condition: String) throws {
        try FreshNamespace.run {
            var tried = 0
            // IPv6 has no realms: its rule is the plain one.
            for family in condition.hasPrefix("realms") ? ["-4"] : ["-4", "-6"] {
                // What this kernel or this `ip` lacks cannot be there; one family has more than the other.
                let to = condition.hasPrefix("to ") && family == "-6" ? "to 2001:db8::1 lookup 100" : condition
                let from = to.hasPrefix("not ") && family == "-6" ? "not from 2001:db8::10 lookup 100" : to
                let line = "ip \(family) rule add priority 1000 \(from)".split(separator: " ").map(String.init)
                if try Command.run(line).status == 0 { tried += 1 }
            }
            #expect(tried > 0 || condition == "l3mdev")
            let listed = Set(try Network().rules().whole)
            #expect(listed == Set(Self.kernels), "\(condition)")
        }
    }

    @Test("to remove a rule never takes one with more conditions in its place")
    func exactRemoval() throws {
        try FreshNamespace.run {
            let network = try Network()
            let plain = RoutingRule(isIPv6: false, priority: 1000, source: Self.vip, table: 100)
            try Command.require("ip rule add from 192.0.2.10 sport 80 ipproto tcp lookup 100 priority 1000")
            try Command.require("ip rule add from 192.0.2.10 fwmark 1 lookup 100 priority 1000")
            let before = try words("ip rule show")
            let absent = #expect(throws: NetlinkError.self) { try network.remove(plain) }
            #expect(absent?.isAlreadyAbsent == true)
            try network.add(plain)
            let inTheWay = #expect(throws: NetlinkError.self) { try network.remove(plain) }
            #expect(inTheWay?.isAlreadyAbsent == false)
            #expect(inTheWay?.description.contains("more conditions") == true)
            #expect(try network.rules().whole.contains(plain))
            // The one with a port can go by its own name, and with the mark gone too, so can the plain one.
            try network.remove(
                RoutingRule(isIPv6: false, priority: 1000, source: Self.vip, transport: 6, sourcePort: 80, table: 100))
            try Command.require("ip rule del from 192.0.2.10 fwmark 1 lookup 100 priority 1000")
            try network.remove(plain)
            #expect(try words("ip rule show") != before)
            #expect(Set(try network.rules().whole) == Set(Self.kernels))
        }
    }

    @Test("a source of the other family is refused before the kernel is asked")
    func families() throws {
        try FreshNamespace.run {
            let network = try Network()
            let error = #expect(throws: NetlinkError.self) {
                try network.add(RoutingRule(isIPv6: true, priority: 1000, source: Self.vip, table: 100))
            }
            #expect(error?.description.contains("other family") == true)
            #expect(Set(try network.rules().whole) == Set(Self.kernels))
        }
    }
}
