internal import CLinux

/// Which of the frames that arrive at an interface a socket takes.
public enum Portion: Hashable, Sendable {
    /// All of them.
    case everything
    /// What concerns everybody who forwards packets: ARP, Neighbor Discovery, and ICMP errors, which come from anywhere and are
    /// about anybody's packets.
    case notices
    /// Of all else, a share: that of one more member of a group of sockets; nil: of a new group's first member.
    case share(of: FanoutGroup?)

    /// What the kernel runs to decide; nil: nothing.
    var filter: FilterProgram? {
        switch self {
        case .everything: nil
        case .notices: Self.filter(takesNotices: true)
        case .share: Self.filter(takesNotices: false)
        }
    }

    /// Ends with how many bytes are wanted of the frame.
    private static func filter(takesNotices: Bool) -> FilterProgram {
        var program = FilterProgram()
        let (notice, none, other, v6) = (program.place(), program.place(), program.place(), program.place())
        // A group's members get what the host itself sends, too: what keeps that away is the group's to say, and kernels before 6.1
        // cannot be told.
        program.load(.packetType)
        program.go(none, ifEqual: UInt32(PACKET_OUTGOING))
        program.load(.etherType)
        program.go(notice, ifEqual: UInt32(ETH_P_ARP))
        program.go(v6, ifEqual: UInt32(ETH_P_IPV6))
        program.go(other, unlessEqual: UInt32(ETH_P_IP))
        // ICMP (protocol 1), not a later fragment, header without options: any type but echo's and the like.
        program.load(.byte(9))
        program.go(other, unlessEqual: 1)
        program.load(.half(6))
        program.go(other, ifAnyOf: 0x1FFF)
        program.load(.byte(0))
        program.go(other, unlessEqual: 0x45)
        program.load(.byte(20))
        for error: UInt32 in [3, 4, 5, 11, 12] { program.go(notice, ifEqual: error) }
        program.go(other)
        // ICMPv6 (58) right behind the header: errors are below 128, Neighbor Discovery is 133 to 137 (RFC 4443, RFC 4861).
        program.mark(v6)
        program.load(.byte(6))
        program.go(other, unlessEqual: 58)
        program.load(.byte(40))
        let query = program.place()
        program.go(query, ifAtLeast: 128)
        program.go(notice)
        program.mark(query)
        program.go(other, ifAtLeast: 138)
        program.go(notice, ifAtLeast: 133)

        program.mark(other)
        program.end(with: takesNotices ? 0 : .max)
        program.mark(notice)
        program.end(with: takesNotices ? .max : 0)
        program.mark(none)
        program.end(with: 0)
        return program
    }
}

/// Sockets on one interface that share what arrives there (`PACKET_FANOUT`, packet(7)). It lasts as long as its members do.
public struct FanoutGroup: Hashable, Sendable {
    /// What the kernel calls it, within the network namespace.
    let identifier: UInt16
}
