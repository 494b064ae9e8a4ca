internal import CLinux
internal import Glibc
public import NetworkAddress

/// One UDP datagram, sent only to make the kernel ask in ARP where its receiver is.
public enum Datagram {
    /// Sends an empty datagram to the discard port of `destination` with `source` as its source address, in the calling
    /// thread's namespace.
    public static func send(from source: IPv4Address, to destination: IPv4Address) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { throw LabError("socket: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard SocketName.with(.v4(source), port: 0, { bind(descriptor, $0, $1) }) == 0 else {
            throw LabError("bind \(source): \(String(cString: strerror(errno)))")
        }
        guard SocketName.with(.v4(destination), port: 9, { sendto(descriptor, nil, 0, 0, $0, $1) }) == 0 else {
            throw LabError("send to \(destination): \(String(cString: strerror(errno)))")
        }
    }
}
