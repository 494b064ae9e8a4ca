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

    private static func connection(to address: IPv4Address, port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = port.bigEndian
        peer.sin_addr.s_addr = address.rawValue.bigEndian
        let code = withUnsafePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
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
}
