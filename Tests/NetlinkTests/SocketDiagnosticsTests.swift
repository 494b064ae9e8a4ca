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

    private static func connection(to address: IPv4Address, port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let code = Self.connect(descriptor, to: address, port: port)
        guard code == 0 else { throw LabError("connect: errno \(errno)") }
        return descriptor
    }

    @Test("an IPv4 connection is counted once, whether its listener is IPv4 or dual-stack", arguments: [false, true])
    func counting(isIPv6: Bool) throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 192.0.2.10/32 dev lo")
            let vip = IPv4Address(192, 0, 2, 10)
            let count = {
                try SocketDiagnostics.openTCPConnections { $0 == .v4(vip) && $1 == 8080 }.count
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
            let found = try SocketDiagnostics.openTCPConnections { $1 == 8080 }
            #expect(found.map(\.remote) == [.v4(vip)], "a connection from the host to its own VIP comes from the VIP")
            close(client)
            close(listener)
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
            let (addresses, ports): (Set<IPAddress>, Set<UInt16>) = ([.v4(vip)], [8080])
            let listener = try Self.listener(port: 8080, isIPv6: isIPv6)
            // From another address than the VIP, as a client has it.
            try Command.require("ip addr add 198.51.100.7/32 dev lo")
            try Command.require("ip route change local 192.0.2.10 dev lo table local src 198.51.100.7")
            let client = try Self.deafClient(to: vip, port: 8080)
            #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: ports) == 1)
            let listed = try #require(try SocketDiagnostics.clientConnections(to: addresses, ports: ports, limit: 1))
            #expect(listed.map(\.remote) == [IPAddress("198.51.100.7")])
            #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: ports, limit: 0) == nil)
            #expect(try SocketDiagnostics.destroyClientConnections(to: addresses, ports: ports) == 1)
            #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: ports) == 0)
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
            let (addresses, ports): (Set<IPAddress>, Set<UInt16>) = ([.v4(vip)], [8080])
            for isIPv6 in [false, true] {
                let listeners = try [8080, 8081].map { try Self.listener(port: $0, isIPv6: isIPv6) }
                let clients = try [8080, 8080, 8081].map { try Self.connection(to: vip, port: $0) }
                let accepted = accept(listeners[0], nil, nil)
                #expect(try SocketDiagnostics.destroyClientConnections(to: addresses, ports: ports) == 2)
                #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: ports) == 0)
                #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: [8081]) == 1)
                var byte: UInt8 = 0
                #expect(recv(accepted, &byte, 1, 0) == -1 && errno == ECONNABORTED)
                #expect(recv(clients[0], &byte, 1, 0) == -1 && errno == ECONNRESET)
                // The listener takes the next one as ever.
                let next = try Self.connection(to: vip, port: 8080)
                #expect(try SocketDiagnostics.clientConnections(to: addresses, ports: ports) == 1)
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
            #expect(try SocketDiagnostics.destroyClientConnections(to: [.v4(vip)], ports: [8080]) == 0)
            #expect(try SocketDiagnostics.openTCPConnections { $1 == 8080 }.count == 1)
            close(client)
            close(listener)
        }
    }
}
