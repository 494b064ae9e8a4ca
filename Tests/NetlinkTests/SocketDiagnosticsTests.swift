import CLinux
import Glibc
import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Socket diagnostics, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct SocketDiagnosticsTests {
    /// A listening TCP socket on `port` of all addresses, dual-stack where `isIPv6`.
    private static func listener(port: UInt16, isIPv6: Bool) throws -> Int32 {
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var v4 = sockaddr_in()
        v4.sin_family = sa_family_t(AF_INET)
        v4.sin_port = port.bigEndian
        var v6 = sockaddr_in6()
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        let code =
            isIPv6
            ? withUnsafePointer(to: &v6) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            : withUnsafePointer(to: &v4) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        guard code == 0, listen(descriptor, 16) == 0 else { throw LabError("listen: errno \(errno)") }
        return descriptor
    }

    private static func connection(
        to address: IPv4Address, port: UInt16, from source: IPv4Address? = nil
    ) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if let source {
            var own = sockaddr_in()
            own.sin_family = sa_family_t(AF_INET)
            own.sin_addr.s_addr = source.rawValue.bigEndian
            let code = withUnsafePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard code == 0 else { throw LabError("bind: errno \(errno)") }
        }
        guard connect(descriptor, to: address, port: port) == 0 else { throw LabError("connect: errno \(errno)") }
        return descriptor
    }

    private static func connect(_ descriptor: Int32, to address: IPv4Address, port: UInt16) -> Int32 {
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = port.bigEndian
        peer.sin_addr.s_addr = address.rawValue.bigEndian
        return withUnsafePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func openConnections(where isIncluded: (IPAddress, UInt16) -> Bool) throws -> [TCPConnection] {
        try SocketDiagnostics.reduce(into: [], portFilter: nil) { found, listed in
            let connection = listed.connection
            if isIncluded(connection.local, connection.localPort) { found.append(connection) }
        }
    }

    @Test("an IPv4 connection is counted once, whether its listener is IPv4 or dual-stack", arguments: [false, true])
    func counting(isIPv6: Bool) throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 192.0.2.10/32 dev lo")
            let vip = IPv4Address(192, 0, 2, 10)
            let count = {
                try Self.openConnections { $0 == .v4(vip) && $1 == 8080 }.count
            }
            let listener = try Self.listener(port: 8080, isIPv6: isIPv6)
            #expect(try count() == 0, "a listener is not a connection")
            let client = try Self.connection(to: vip, port: 8080)
            #expect(try count() == 1)
            let accepted = accept(listener, nil, nil)
            #expect(try count() == 1)
            // The server closes first and waits for the client: its data is acknowledged, the connection is over for it.
            close(accepted)
            close(client)
            #expect(try count() == 0)
            close(listener)
        }
    }

    @Test("the peer is named, so that a host's own checks can be told apart")
    func peers() throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 192.0.2.10/32 dev lo")
            let vip = IPv4Address(192, 0, 2, 10)
            let listener = try Self.listener(port: 8080, isIPv6: false)
            let client = try Self.connection(to: vip, port: 8080)
            let found = try Self.openConnections { $1 == 8080 }
            #expect(found.map(\.remote) == [.v4(vip)], "a connection from the host to its own VIP comes from the VIP")
            close(client)
            close(listener)
        }
    }

    @Test("a connection of a director's own is no client's where directors only check, and is ended with nobody else's")
    func checkers() {
        let (vip, director, client) = (IPAddress("10.0.0.11")!, IPAddress("10.0.0.1")!, IPAddress("198.51.100.7")!)
        let connections = [director, client].map {
            TCPConnection(local: vip, localPort: 80, remote: $0, remotePort: 4_711)
        }
        for (checkers, expected) in [([], [true, true]), ([director], [false, true])] as [(Set<IPAddress>, [Bool])] {
            let ends = LocalEnds(addresses: [vip], ports: [80], checkers: checkers)
            #expect(connections.map(ends.isClients) == expected)
            var counts = [0]
            for connection in connections { ConnectionTally(of: [ends]).count(connection, into: &counts) }
            #expect(counts == [expected.count { $0 }])
        }
    }

    @Test("a listener is found on its address, through a wildcard, and not on another port or after it closed")
    func listeners() throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            let address = IPAddress.v4(IPv4Address(127, 0, 0, 9))
            let probe = try ListenerProbe()
            for isIPv6 in [false, true] {
                let listener = try Self.listener(port: 8080, isIPv6: isIPv6)
                #expect(try probe.hasTCPListener(address, port: 8080))
                #expect(try !probe.hasTCPListener(address, port: 8081))
                close(listener)
                #expect(try !probe.hasTCPListener(address, port: 8080))
            }
        }
    }

    @Test("many places are looked at in one round, more than one datagram has room for, each by itself")
    func manyPlaces() throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            let probe = try ListenerProbe()
            let listener = try Self.listener(port: 8_080, isIPv6: true)
            defer { close(listener) }
            let ports = (8_000..<8_200).map { UInt16($0) }
            for text in ["127.0.0.9", "::1"] {
                let places = ports.map { ListenerProbe.Place(address: IPAddress(text)!, port: $0) }
                for _ in 0..<3 {
                    #expect(try probe.listeners(at: places).map { try $0.get() } == ports.map { $0 == 8_080 })
                }
            }
            #expect(probe.listeners(at: []).isEmpty)
        }
    }

    @Test("clients are counted for all services at once, by address and port, a service's own checks left out")
    func tally() throws {
        try FreshNamespace.run {
            for line in ["link set lo up", "addr add 192.0.2.10/32 dev lo", "addr add 192.0.2.11/32 dev lo"] {
                try Command.require("ip \(line)")
            }
            let (one, two) = (IPv4Address(192, 0, 2, 10), IPv4Address(192, 0, 2, 11))
            func ends(_ addresses: [IPv4Address], _ ports: Set<UInt16>) -> LocalEnds {
                LocalEnds(addresses: Set(addresses.map { IPAddress.v4($0) }), ports: ports)
            }
            var sockets: [Int32] = []
            defer { for socket in sockets { close(socket) } }
            for (port, isIPv6) in [(UInt16(8_080), false), (8_081, true), (9_000, false)] {
                sockets.append(try Self.listener(port: port, isIPv6: isIPv6))
                // From its own address each of these: clients of the other service.
                for source in [one, two] {
                    sockets.append(try Self.connection(to: one, port: port, from: source))
                }
            }
            sockets.append(try Self.connection(to: two, port: 9_000, from: one))
            let asked = [
                ends([one], [8_080]), ends([one], [8_081, 9_000]), ends([one], []), ends([two], [8_080]),
                ends([two], [9_000]), ends([one, two], [8_080]),
            ]
            // On all ports of the first, the end that opened a connection from there counts as well.
            #expect(try SocketDiagnostics.clientConnections(to: asked) == [1, 2, 4, 0, 1, 0])
            // Without one that has all ports the kernel leaves out what is not asked for.
            let some = asked.filter { !$0.ports.isEmpty }
            #expect(PortFilter(some) != nil)
            #expect(try SocketDiagnostics.clientConnections(to: some) == [1, 2, 0, 1, 0])
            #expect(try SocketDiagnostics.clientConnections(to: [ends([two], [9_000])]) == [1])
            #expect(try SocketDiagnostics.clientConnections(to: []) == [])
        }
    }

    @Test(
        "the kernel takes the filter and keeps what it should, for one port, runs of ports and many",
        arguments: [
            [8_080], [8_079, 8_080, 8_081], [80, 8_080], [8_080, 9_000], [1, 3, 5, 8_080], [1, 3, 5], [8_079, 8_081],
            [0, 65_535], Array(stride(from: 8_000, to: 8_128, by: 2)), Array(8_000...9_000),
        ] as [[UInt16]])
    func portFilter(ports: [UInt16]) throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            let listener = try Self.listener(port: 8_080, isIPv6: false)
            let client = try Self.connection(
                to: IPv4Address(127, 0, 0, 1), port: 8_080, from: IPv4Address(127, 0, 0, 2))
            defer {
                close(client)
                close(listener)
            }
            let ends = LocalEnds(addresses: [.v4(IPv4Address(127, 0, 0, 1))], ports: Set(ports))
            let filter = try #require(PortFilter([ends]))
            // What comes through it, whatever is asked for behind it: the end that listens, and never the other one.
            let seen = try SocketDiagnostics.localPorts(through: filter)
            #expect(seen == (ports.contains(8_080) ? [8_080] : []))
        }
    }

    @Test("there is no filter where one has all ports, nor for more runs of ports than are worth it")
    func noPortFilter() {
        let all = LocalEnds(addresses: [], ports: [])
        let one = LocalEnds(addresses: [], ports: [80])
        #expect(PortFilter([one]) != nil)
        #expect(PortFilter([one, all]) == nil)
        #expect(PortFilter([]) == nil)
        let scattered = Set(stride(from: UInt16(1), to: UInt16(2 * PortFilter.mostRuns + 2), by: 2))
        #expect(PortFilter([LocalEnds(addresses: [], ports: scattered)]) == nil)
    }

    /// A client that never hears the SYN-ACK: a filter on its socket drops whatever comes in.
    private static func deafClient(to address: IPv4Address, port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var drop: [UInt64] = [0x06]
        var program = drop.withUnsafeMutableBytes { Program(count: 1, instructions: $0.baseAddress) }
        let isDeaf = setsockopt(
            descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout<Program>.size))
        guard isDeaf == 0 else { throw LabError("SO_ATTACH_FILTER: errno \(errno)") }
        guard connect(descriptor, to: address, port: port) != 0, errno == EINPROGRESS else {
            throw LabError("connect: errno \(errno)")
        }
        return descriptor
    }

    /// `struct sock_fprog` (linux/filter.h); one instruction, `ret #0`, is 8 bytes.
    private struct Program {
        var count: UInt16
        var instructions: UnsafeMutableRawPointer?
    }

    @Test("a handshake that is half done is counted, listed and ended", arguments: [false, true])
    func halfOpen(isIPv6: Bool) throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 192.0.2.10/32 dev lo")
            let vip = IPv4Address(192, 0, 2, 10)
            let ends = LocalEnds(addresses: [.v4(vip)], ports: [8080])
            let listener = try Self.listener(port: 8080, isIPv6: isIPv6)
            // From another address than the VIP, as a client has it.
            try Command.require("ip addr add 198.51.100.7/32 dev lo")
            try Command.require("ip route change local 192.0.2.10 dev lo table local src 198.51.100.7")
            let client = try Self.deafClient(to: vip, port: 8080)
            #expect(try SocketDiagnostics.clientConnections(to: [ends]) == [1])
            let listed = try #require(try SocketDiagnostics.clientConnections(to: ends, limit: 1))
            #expect(listed.map(\.remote) == [IPAddress("198.51.100.7")])
            #expect(try SocketDiagnostics.clientConnections(to: ends, limit: 0) == nil)
            #expect(try SocketDiagnostics.destroyClientConnections(to: ends) == 1)
            #expect(try SocketDiagnostics.clientConnections(to: [ends]) == [0])
            close(client)
            close(listener)
        }
    }

    @Test("clients' connections are ended, both families, accepted or not; the listener and all others stay")
    func destroy() throws {
        try FreshNamespace.run {
            for line in [
                "ip link set lo up", "ip addr add 192.0.2.10/32 dev lo", "ip addr add 198.51.100.7/32 dev lo",
                "ip route change local 192.0.2.10 dev lo table local src 198.51.100.7",
            ] { try Command.require(line) }
            let vip = IPv4Address(192, 0, 2, 10)
            let ends = LocalEnds(addresses: [.v4(vip)], ports: [8080])
            for isIPv6 in [false, true] {
                let listeners = try [8080, 8081].map { try Self.listener(port: $0, isIPv6: isIPv6) }
                let clients = try [8080, 8080, 8081].map { try Self.connection(to: vip, port: $0) }
                let accepted = accept(listeners[0], nil, nil)
                #expect(try SocketDiagnostics.destroyClientConnections(to: ends) == 2)
                #expect(try SocketDiagnostics.clientConnections(to: [ends]) == [0])
                #expect(
                    try SocketDiagnostics.clientConnections(to: [LocalEnds(addresses: [.v4(vip)], ports: [8081])]) == [
                        1
                    ])
                var byte: UInt8 = 0
                #expect(recv(accepted, &byte, 1, 0) == -1 && errno == ECONNABORTED)
                #expect(recv(clients[0], &byte, 1, 0) == -1 && errno == ECONNRESET)
                // The listener takes the next one as ever.
                let next = try Self.connection(to: vip, port: 8080)
                #expect(try SocketDiagnostics.clientConnections(to: [ends]) == [1])
                for descriptor in listeners + clients + [accepted, next] { close(descriptor) }
            }
        }
    }

    @Test("this host's own connection to its VIP is not ended")
    func ownStays() throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 192.0.2.10/32 dev lo")
            let vip = IPv4Address(192, 0, 2, 10)
            let listener = try Self.listener(port: 8080, isIPv6: false)
            let client = try Self.connection(to: vip, port: 8080)
            #expect(
                try SocketDiagnostics.destroyClientConnections(to: LocalEnds(addresses: [.v4(vip)], ports: [8080])) == 0
            )
            #expect(try Self.openConnections { $1 == 8080 }.count == 1)
            close(client)
            close(listener)
        }
    }
}
