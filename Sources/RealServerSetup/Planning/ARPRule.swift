/// Which values of the ARP sysctls keep a VIP on `lo` out of ARP.
///
/// What counts is the effective value: the larger of `conf.all`'s and the interface's own (`IN_DEV_MAXCONF`,
/// include/linux/inetdevice.h).
public enum ARPRule: Sendable, Hashable, CaseIterable {
    /// `arp_ignore`: the host must not answer who-has for the VIP.
    case ignore
    /// `arp_announce`: the host's own who-has must not carry the VIP.
    case announce

    /// The sysctl it is about.
    public var key: IPv4Sysctl.Key {
        switch self {
        case .ignore: .arpIgnore
        case .announce: .arpAnnounce
        }
    }

    /// Whether a VIP stays hidden while this is the effective value.
    ///
    /// `arp_ignore`: 1, 2 and 8 hide it; 3 hides only addresses of scope host; 0, 4 to 7 and any number the kernel does
    /// not know answer (`arp_ignore()`, net/ipv4/arp.c). `arp_announce`: only 2 never lets a who-has carry it; a larger
    /// number is not known and acts as 0 (`arp_solicit()`, net/ipv4/arp.c).
    ///
    /// - Parameter isHostScope: whether every VIP has scope host.
    public func hidesVIP(effective value: Int, isHostScope: Bool = false) -> Bool {
        switch self {
        case .ignore: value == 1 || value == 2 || value == 8 || value == 3 && isHostScope
        case .announce: value == 2
        }
    }

    /// What is set on an interface that does not hide the VIP: the weakest value that does. With scope host that is 3, which
    /// goes on answering for the addresses of containers behind unnumbered interfaces (kubernetes#71555).
    func hidingValue(isHostScope: Bool) -> Int {
        switch self {
        case .ignore: isHostScope ? 3 : 1
        case .announce: 2
        }
    }

    /// What `conf.all` is lowered to where its present value keeps every interface from hiding the VIP, or nil where it
    /// does not stand in the way. 3 keeps what it hid (scope host) hidden as 1; other values act as 0 and become 0.
    func loweredAll(from value: Int, isHostScope: Bool) -> Int? {
        switch self {
        case .ignore:
            if (0...2).contains(value) || value == 8 || value == 3 && isHostScope { nil } else { value == 3 ? 1 : 0 }
        case .announce: (0...2).contains(value) ? nil : 0
        }
    }
}
