internal import Glibc
internal import NetworkAddress

/// An address and port as the socket calls take and give them.
enum SocketName {
    static func with<Result>(
        _ address: IPAddress, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        switch address {
        case .v4(let address):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.rawValue.bigEndian
            return with(&name, body)
        case .v6(let address):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) {
                $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return with(&name, body)
        }
    }

    /// Whom a call names, and his port; nil: it names nobody.
    static func taken(
        by call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Void
    ) -> (address: IPAddress, port: UInt16)? {
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
        }
        let family = Int32(name.ss_family)
        return withUnsafeBytes(of: &name) { bytes in
            switch family {
            case AF_INET:
                let name = bytes.load(as: sockaddr_in.self)
                return (
                    .v4(IPv4Address(rawValue: UInt32(bigEndian: name.sin_addr.s_addr))),
                    UInt16(bigEndian: name.sin_port)
                )
            case AF_INET6:
                let name = bytes.load(as: sockaddr_in6.self)
                let address = withUnsafeBytes(of: name.sin6_addr) { octets in
                    IPv6Address(
                        high: UInt64(bigEndian: octets.loadUnaligned(as: UInt64.self)),
                        low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
                }
                return (.v6(address), UInt16(bigEndian: name.sin6_port))
            default: return nil
            }
        }
    }

    private static func with<Name, Result>(
        _ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Name>.size)) }
        }
    }
}
