public import NetworkAddress

/// A service of a lab's, and how its packets reach the servers.
public struct Way: Sendable, Hashable {
    /// Its name in both files.
    public let name: String
    /// What clients connect to.
    public let vip: IPv4Address
    /// What both files call it: `dr`, `nat`, `tun`.
    let forward: String

    /// Direct routing.
    public static let direct = Way(name: "direct", vip: IPv4Address(192, 0, 2, 10), forward: "dr")
    /// Address translation.
    public static let translated = Way(name: "translated", vip: IPv4Address(192, 0, 2, 20), forward: "nat")
    /// A tunnel of IPv4 in IPv4, for which the kernel needs the module ipip.
    public static let tunnelled = Way(name: "tunnelled", vip: IPv4Address(192, 0, 2, 30), forward: "tun")

    private var isTunnelled: Bool { forward == "tun" }

    /// Where its server answers itself: with NAT it has no VIP.
    func ownAddress(of host: LabHost) -> IPv4Address { forward == "nat" ? host.address : vip }

    // What arrives at a server, as pcap-filter(7) has it. In a tunnel the client's packet begins at byte 20.

    /// What opens a TCP connection.
    var openings: String {
        isTunnelled ? "(ip proto 4 and ip[29] = 6 and ip[53] & 18 = 2)" : "tcp[13] & 18 = 2"
    }

    /// What is asked of a DNS server, or the first piece of it.
    var questions: String {
        isTunnelled ? "(ip proto 4 and ip[29] = 17 and ip[42:2] = 53)" : "udp dst port 53"
    }
}
