import CLinux
import Glibc
import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Network events, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct NetworkEventsTests {
    /// Receives until `isWanted` was among the events; all that came, or a failure after the deadline.
    @discardableResult
    private static func receive(
        _ events: NetworkEvents, until what: String, _ isWanted: (NetworkEvent) -> Bool
    ) throws -> [NetworkEvent] {
        var all: [NetworkEvent] = []
        try Deadline.block(until: what) {
            _ = events.wait(milliseconds: 100)
            all += events.receive()
            return all.contains(where: isWanted)
        }
        return all
    }

    @Test("nothing happened: nothing to receive, and the wait is over in time")
    func silence() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: true)
            #expect(events.watchesPacketFilter && events.descriptors.count == 2)
            let clock = ContinuousClock()
            let time = clock.measure { #expect(!events.wait(milliseconds: 50)) }
            #expect(time >= .milliseconds(49))
            #expect(events.receive() == [])
        }
    }

    @Test("links, addresses, routes, rules and settings are announced as they come and as they go")
    func subjects() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: false)
            #expect(!events.watchesPacketFilter && events.descriptors.count == 1)
            try Command.require("ip link add eth0.5 type veth peer name peer0")
            let eth0 = try #require(try Network().links().first { $0.name == "eth0.5" }).index
            let change = { (subject: NetworkEvent.Subject, isRemoval: Bool) in
                { (event: NetworkEvent) in event.subject == subject && event.isRemoval == isRemoval }
            }
            try Self.receive(events, until: "the new link", change(.link(index: eth0, name: "eth0.5"), false))
            for name in ["eth0.5", "peer0", "lo"] { try Command.require("ip link set \(name) up") }
            for (text, prefix) in [("192.0.2.10", "192.0.2.10/32"), ("2001:db8::10", "2001:db8::10/128")] {
                let address = NetworkEvent.Subject.address(try #require(IPAddress(text)), interface: 1)
                try Command.require("ip addr add \(prefix) dev lo")
                try Self.receive(events, until: "\(text) there", change(address, false))
                try Command.require("ip addr del \(prefix) dev lo")
                try Self.receive(events, until: "\(text) gone", change(address, true))
            }
            try Command.require("ip addr add 10.0.0.1/24 dev eth0.5")
            for (family, table) in [("-4", UInt32(100)), ("-6", 70_000)] {
                let destination = family == "-4" ? "198.51.100.0/24" : "2001:db8:1::/64"
                try Command.require("ip \(family) route add \(destination) dev eth0.5 table \(table)")
                try Self.receive(events, until: "a route in \(table)", change(.route(table: table), false))
                try Command.require("ip \(family) route del \(destination) dev eth0.5 table \(table)")
                try Self.receive(events, until: "no route in \(table)", change(.route(table: table), true))
                try Command.require("ip \(family) rule add priority 1000 lookup 100")
                try Self.receive(events, until: "a rule", change(.rule, false))
                try Command.require("ip \(family) rule del priority 1000 lookup 100")
                try Self.receive(events, until: "no rule", change(.rule, true))
            }
            try Sysctl.set("net/ipv4/conf/eth0.5/rp_filter=1")
            try Self.receive(events, until: "rp_filter of eth0.5", change(.settings(interface: eth0), false))
            try Sysctl.set("net/ipv4/conf/all/rp_filter=2")
            try Self.receive(events, until: "rp_filter of all", change(.settings(interface: -1), false))
            try Command.require("ip link del eth0.5")
            try Self.receive(events, until: "no link", change(.link(index: eth0, name: "eth0.5"), true))
        }
    }

    @Test("a port that leaves its bridge is no link that goes")
    func bridgePort() throws {
        try FreshNamespace.run {
            try Command.require("ip link add br0 type bridge")
            try Command.require("ip link add eth0 master br0 type veth peer name peer0")
            let events = try NetworkEvents(includesPacketFilter: false)
            try Command.require("ip link set eth0 nomaster")
            try Command.require("ip link set eth0 address 02:00:00:00:00:77")
            try Command.require("ip link add marker type bridge")
            let all = try Self.receive(events, until: "the marker") {
                if case .link(_, "marker") = $0.subject { true } else { false }
            }
            #expect(all.contains { if case .link(_, "eth0") = $0.subject { true } else { false } })
            #expect(!all.contains { $0.isRemoval }, "\(all)")
        }
    }

    @Test("a transaction of the packet filter is one event, which tells who committed it")
    func packetFilter() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: true)
            let rules =
                "add table inet t; add set inet t s { type ipv4_addr; }; add element inet t s { 192.0.2.1, 192.0.2.2 }"
            // The shell becomes nft: the pid it printed is the one that commits.
            let command = try Command.run(["sh", "-c", "echo $$; exec nft '\(rules)'"])
            #expect(command.status == 0, "\(command.text)")
            let process = try #require(Int32(command.output.prefix { $0 != "\n" }))
            let all = try Self.receive(events, until: "the packet filter") { $0.subject == .packetFilter }
            #expect(all.count == 1 && all.first?.isRemoval == false)
            // A thread's number as the machine's first pid namespace has it; in another one it is not ours to compare.
            let isFirst = try Command.run(["readlink", "/proc/self/ns/pid"]).output.contains("4026531836")
            if isFirst { #expect(all.first?.processID == process) } else { #expect(all.first?.processID != nil) }
        }
    }

    @Test("who asked is told: our own socket, another process, or nobody")
    func port() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: false)
            let network = try Network()
            let vip = try #require(IPAddress("192.0.2.10"))
            let address = InterfaceAddress(interface: 1, prefix: Prefix(host: vip))
            let isAddress = { (event: NetworkEvent) in event.subject == .address(vip, interface: 1) }
            try network.add(address, interfaceName: "lo")
            let ours = try Self.receive(events, until: "our address", isAddress).last(where: isAddress)
            #expect(ours?.processID == getpid(), "\(ours as Any)")
            try network.remove(address, interfaceName: "lo")
            try Self.receive(events, until: "our removal") { $0.isRemoval && isAddress($0) }
            let command = try Command.run(["sh", "-c", "echo $$; exec ip addr add 192.0.2.10/32 dev lo"])
            #expect(command.status == 0, "\(command.text)")
            let theirs = try Self.receive(events, until: "their address", isAddress).last(where: isAddress)
            #expect(theirs?.processID == Int32(command.output.prefix { $0 != "\n" }))
            try Sysctl.set("net.ipv4.conf.lo.rp_filter=1")
            let nobodys = try Self.receive(events, until: "rp_filter") { $0.subject == .settings(interface: 1) }
            #expect(nobodys.last?.port == 0 && nobodys.last?.processID == nil)
        }
    }

    @Test("an overrun is told as lost, and the socket goes on afterwards")
    func overrun() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: false, receiveBuffer: 4096)
            let network = try Network()
            for number in 1...200 {
                let prefix = Prefix(host: .v4(IPv4Address(rawValue: 0xC000_0200 + UInt32(number))))
                try network.add(InterfaceAddress(interface: 1, prefix: prefix), interfaceName: "lo")
            }
            #expect(events.wait(milliseconds: 1000))
            let flood = events.receive()
            #expect(flood.last == NetworkEvent(subject: .lost))
            #expect(flood.count < 200 && flood.count { $0.subject == .lost } == 1)
            #expect(events.receive() == [])
            #expect(!events.wait(milliseconds: 0))
            let later = try #require(Prefix("198.51.100.1/32"))
            try network.add(InterfaceAddress(interface: 1, prefix: later), interfaceName: "lo")
            let after = try Self.receive(events, until: "an address after the overrun") {
                $0.subject == .address(later.address, interface: 1)
            }
            #expect(!after.contains { $0.subject == .lost })
        }
    }

    @Test("another thread can end a wait, also before it began")
    func wake() throws {
        let events = try FreshNamespace.run { try NetworkEvents(includesPacketFilter: false) }
        let clock = ContinuousClock()
        events.wake()
        let before = clock.measure { #expect(!events.wait(milliseconds: 20_000)) }
        #expect(before < .seconds(10))
        var thread = pthread_t()
        pthread_create(&thread, nil, wakeAfterAWhile, Unmanaged.passRetained(events).toOpaque())
        let during = clock.measure { #expect(!events.wait(milliseconds: -1)) }
        pthread_join(thread, nil)
        #expect(during < .seconds(10))
        // One call ends one wait.
        #expect(!events.wait(milliseconds: 0))
    }

    @Test("an event is there within milliseconds of the change")
    func latency() throws {
        try FreshNamespace.run {
            let events = try NetworkEvents(includesPacketFilter: false)
            let network = try Network()
            let clock = ContinuousClock()
            var times: [Duration] = []
            for number in 1...100 {
                let prefix = Prefix(host: .v4(IPv4Address(rawValue: 0xC000_0200 + UInt32(number))))
                let start = clock.now
                try network.add(InterfaceAddress(interface: 1, prefix: prefix), interfaceName: "lo")
                #expect(events.wait(milliseconds: 5000))
                #expect(events.receive().contains { $0.subject == .address(prefix.address, interface: 1) })
                times.append(clock.now - start)
            }
            print("an event is here a median of \(times.sorted()[50]) after the change was asked for")
        }
    }

    @Test("what is malformed is passed over")
    func malformed() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...96, using: &generator)
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // A plausible length and type, so that the content is looked at.
            if length >= 16 {
                bytes[0] = UInt8.random(in: 0...UInt8(length), using: &generator)
                for index in 1...3 { bytes[index] = 0 }
                bytes[4] = UInt8.random(in: 16...81, using: &generator)
                bytes[5] = 0
            }
            _ = NetworkEvent.events(in: bytes, isPacketFilter: Bool.random())
        }
        #expect(NetworkEvent.events(in: [], isPacketFilter: false) == [])
    }
}

private func wakeAfterAWhile(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let events = Unmanaged<NetworkEvents>.fromOpaque(argument).takeRetainedValue()
    usleep(50_000)
    events.wake()
    return nil
}
